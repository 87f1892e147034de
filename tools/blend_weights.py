"""Weights between those that a training began with and those that it ended with.

python tools/blend_weights.py FIRST.safetensors LAST.safetensors --share 0.6 --out weights

What a network learned before is kept better so than by the last weights alone (Wortsman et al.
2022, arXiv:2109.01903). The card is that of LAST.

With --odds pan=1.5 a pan is one and a half times as likely beforehand as it was in training (Menon
et al. 2021, arXiv:2007.07314).
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np

from napari_segkit.data.weights import load_weights, save_weights

HEAD = "head.bias"
"""What is added to the logits of background and classes."""


def main() -> None:
    """Write the file and its card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("last", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of LAST, 0 to 1")
    parser.add_argument("--odds", metavar="CLASS=FACTOR", help="of a class against the others")
    parser.add_argument("--out", type=Path, required=True, help="folder")
    chosen = parser.parse_args()
    first, _ = load_weights(chosen.first)
    last, card = load_weights(chosen.last)
    blended = {}
    for name, one in last.items():
        blended[name] = one
        if np.issubdtype(one.dtype, np.floating):
            before = np.asarray(first[name], np.float32)
            blended[name] = before + np.float32(chosen.share) * (one - before)
    recipe = f"{card.training.recipe}; then {chosen.share:g} of the way from its start"
    if chosen.odds:
        name, factor = chosen.odds.split("=")
        place = 1 + card.classes.index(name)
        bias = np.array(blended[HEAD], np.float32)
        if len(bias) != 1 + len(card.classes):
            parser.error(f"{HEAD} has {len(bias)} numbers, not one for each class and background")
        bias[place] += np.float32(math.log(float(factor)))
        blended[HEAD] = bias
        recipe += f", odds of {name} by {factor}"
    training = card.training.model_copy(update={"recipe": recipe})
    chosen.out.mkdir(parents=True, exist_ok=True)
    file = chosen.out / f"{card.name}.safetensors"
    save_weights(file, blended, card.model_copy(update={"training": training, "metrics": {}}))


if __name__ == "__main__":
    main()
