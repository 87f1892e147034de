"""Which images are for training, which for validation: by a hash of the name, or by a list."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from napari_segkit.data.boxes import image_key
from napari_segkit.data.names import collision_key, name_fault
from napari_segkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_EXPECTED = 'JSON {"train": [names], …}, or lines NAME,SUBSET'


class Split(Protocol):
    """Says for every image which subset it belongs to."""

    @property
    def subsets(self) -> tuple[str, ...]:
        """Names of the subsets in order."""

    def subset_of(self, name: str) -> str:
        """Subset of an image by its name in the source."""

    def check(self, names: Iterable[str]) -> None:
        """Refuse names that it does not know.

        Raises
        ------
        InputError
            Where an image has no subset, or a listed one does not exist.
        """


@dataclass(frozen=True)
class HashSplit:
    """By sha256 of the name: more images never move another, on any machine.

    Attributes
    ----------
    shares
        (subset, share of the images), the shares' sum is 1. They are met on average.
    """

    shares: tuple[tuple[str, float], ...]

    @property
    def subsets(self) -> tuple[str, ...]:
        """Names of the subsets in order."""
        return tuple(subset for subset, _ in self.shares)

    def subset_of(self, name: str) -> str:
        """Subset of an image; composed and decomposed letters count as the same."""
        digest = hashlib.sha256(unicodedata.normalize("NFC", name).encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        for subset, share in self.shares:
            place -= share
            if place < 0:
                return subset
        return self.shares[-1][0]  # the sum of shares can be a hair below 1

    def check(self, names: Iterable[str]) -> None:
        """Every name has a hash; see `Split.check`."""


def parse_split(text: str) -> HashSplit:
    """Read ``train=0.8,valid=0.1,test=0.1``.

    Raises
    ------
    InputError
        For anything else, or shares whose sum is not 1.
    """
    shares = []
    for part in text.split(","):
        subset, _, share = part.partition("=")
        try:
            shares.append((subset.strip(), float(share)))
        except ValueError as error:
            raise InputError(
                "split cannot be read", expected="train=0.8,valid=0.1,test=0.1", got=text
            ) from error
    if not math.isclose(sum(share for _, share in shares), 1, abs_tol=1e-6) or any(
        not 0 < share <= 1 for _, share in shares
    ):
        raise InputError("shares of a split", expected="above 0 each, 1 together", got=text)
    _check_subsets([subset for subset, _ in shares])
    return HashSplit(tuple(shares))


def _check_subsets(subsets: list[str]) -> None:
    if not subsets:
        raise InputError("split has no subsets", expected=_EXPECTED)
    if len({collision_key(subset) for subset in subsets}) < len(subsets):
        raise InputError("split names a subset twice", got=", ".join(subsets))
    for subset in subsets:
        fault = "has a '/'" if "/" in subset else name_fault(subset)
        if fault:
            raise InputError(f"subset name {fault}", got=repr(subset), remedy="rename it")


@dataclass(frozen=True)
class ListSplit:
    """By a list; every image of the source must stand in it.

    Attributes
    ----------
    members
        Image name -> subset.
    subsets
        Names of the subsets in order.
    where
        The file, for errors.
    """

    members: Mapping[str, str]
    subsets: tuple[str, ...]
    where: str = ""

    def subset_of(self, name: str) -> str:
        """Subset of an image; the list may name it with its extension."""
        return self.members[name]

    def check(self, names: Iterable[str]) -> None:
        """Refuse where the list and the source disagree; see `Split.check`."""
        images = set(names)
        for odd, what in (
            (sorted(images - self.members.keys()), "images have no subset"),
            (sorted(self.members.keys() - images), "listed images are not there"),
        ):
            if odd:
                raise InputError(
                    f"{what} ({len(odd)} in all)",
                    where=self.where,
                    got=", ".join(odd[:5]),
                    remedy="complete the list",
                )


def read_split_list(path: Path, names: Iterable[str]) -> ListSplit:
    """Read a list of subsets, for the images that have these names.

    Parameters
    ----------
    path
        JSON ``{"train": [names], …}`` (as ``split.json`` of an import), or lines ``NAME,SUBSET``.
    names
        Image names of the dataset; the list may have them with an extension.

    Raises
    ------
    InputError
        Where the file cannot be read, or has an image twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("split list cannot be read", where=path, got=error) from error
    rows = _json_rows(text, path) if text.lstrip().startswith("{") else _csv_rows(text, path)
    known = set(names)
    members: dict[str, str] = {}
    for listed, subset in rows:
        name = listed if listed in known else image_key(listed)
        if members.setdefault(name, subset) != subset:
            raise InputError(
                "image stands in two subsets",
                where=path,
                got=f"{name} in {members[name]} and {subset}",
                remedy="take it out of one",
            )
    subsets = list(dict.fromkeys(members.values()))
    _check_subsets(subsets)
    return ListSplit(members, tuple(subsets), str(path))


def _json_rows(text: str, path: Path) -> list[tuple[str, str]]:
    try:
        content: Any = json.loads(text)
        rows = [(name, subset) for subset, names in content.items() for name in names]
    except (ValueError, RecursionError, TypeError, AttributeError) as error:
        raise InputError("not a split list", where=path, expected=_EXPECTED, got=error) from error
    if any(not isinstance(name, str) for name, _ in rows):
        raise InputError("not a split list", where=path, expected=_EXPECTED)
    return rows


def _csv_rows(text: str, path: Path) -> list[tuple[str, str]]:
    rows = []
    for number, row in enumerate(csv.reader(text.splitlines()), 1):
        if len(row) == 2:
            rows.append((row[0].strip(), row[1].strip()))
        elif row:
            raise InputError(
                "not a split list", where=f"{path} line {number}", expected=_EXPECTED, got=row[0]
            )
    return rows


def members_by_subset(members: Mapping[str, str]) -> dict[str, list[str]]:
    """Image names of each subset, as `read_split_list` reads them."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, subset in members.items():
        found[subset].append(name)
    return dict(found)
