"""Put the photos that a list names into one folder, out of clones of the repositories they are in.

python tools/collect_photos.py weights/dust-photos.txt --clones CLONE… --out PHOTOS

All of a clone's history is looked at, since a photo may have been changed or removed.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def wanted(listing: Path) -> dict[str, str]:
    """Names of the photos of a list, by the first 16 digits of their SHA-256."""
    rows = (line.split() for line in listing.read_text(encoding="utf-8").splitlines())
    return {row[0]: row[2] for row in rows if len(row) >= 3 and len(row[0]) == 16}


def files_of(clone: Path) -> Iterator[bytes]:
    """Every file of a clone, of whatever commit, as far as it is there."""
    git = ["git", "-C", str(clone), "cat-file", "--batch-all-objects"]
    with subprocess.Popen([*git, "--batch", "--unordered"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while head := process.stdout.readline().split():
            content = process.stdout.read(int(head[2]) + 1)[:-1]
            if head[1] == b"blob":
                yield content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("listing", type=Path)
    parser.add_argument("--clones", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    names = wanted(args.listing)
    args.out.mkdir(parents=True, exist_ok=True)
    missing = dict(names)
    for photo in itertools.chain.from_iterable(map(files_of, args.clones)):
        key = hashlib.sha256(photo).hexdigest()[:16]
        if missing.pop(key, None):
            (args.out / names[key]).write_bytes(photo)
        if not missing:
            break
    for key, name in missing.items():
        print(f"not found: {name} ({key})", file=sys.stderr)
    print(f"{len(names) - len(missing)} of {len(names)} photos -> {args.out}")


if __name__ == "__main__":
    main()
