"""Every error that a person can cause or meet.

::

    SegkitError
    ├── InputError            what was given cannot be used: one line, exit code 2
    │   ├── ImageError        an image file or layer
    │   ├── MaskError         a mask file or Labels layer
    │   ├── PromptError       boxes, points, text
    │   ├── ParamsError       a parameter of a model
    │   ├── WeightsError      a weights file or its card
    │   └── DatasetError      a dataset folder or archive, or what would be written to one
    │       └── ChangedError  stored work that another program changed meanwhile
    ├── ModelError            a model gave something that must not be used (NaN, wrong shape)
    ├── ServerError           a server cannot be reached, refused, or failed
    └── WriteError            the disk refused: full, read-only, gone; the old file is intact

Each carries the five parts of a useful sentence: what, where, expected, got, remedy.
"""

from __future__ import annotations


class SegkitError(Exception):
    """One sentence for a person: ``what (where): expected …, got …; remedy``.

    Parameters
    ----------
    what
        What is wrong, without a full stop.
    where
        File, layer or parameter that it concerns.
    expected, got
        What the program needs and what it found.
    remedy
        What the person can do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: object = None,
        got: object = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.expected = None if expected is None else str(expected)
        self.got = None if got is None else str(got)
        self.remedy = remedy
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        head = self.what if self.where is None else f"{self.what} ({self.where})"
        facts = [
            f"{name} {value}"
            for name, value in (("expected", self.expected), ("got", self.got))
            if value is not None
        ]
        body = f"{head}: {', '.join(facts)}" if facts else head
        return f"{body}; {self.remedy}" if self.remedy else body

    def as_dict(self) -> dict[str, str | None]:
        """The five parts and the class, for ``--json``."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "expected": self.expected,
            "got": self.got,
            "remedy": self.remedy,
        }


class InputError(SegkitError):
    """What was given cannot be used."""


class ImageError(InputError):
    """An image file or layer cannot be used."""


class MaskError(InputError):
    """A mask file or Labels layer cannot be used."""


class PromptError(InputError):
    """Boxes, points or text cannot be used."""


class ParamsError(InputError):
    """A parameter is unknown or out of bounds."""


class WeightsError(InputError):
    """A weights file or its card cannot be used."""


class DatasetError(InputError):
    """A dataset cannot be read, or what would be written breaks its format."""


class ChangedError(DatasetError):
    """Stored work was changed by another program: a person must choose which one counts."""


class ModelError(SegkitError):
    """A model returned something that must not be used."""


class ServerError(SegkitError):
    """A server cannot be reached, refused, or failed; what it has done so far is said."""


class WriteError(SegkitError):
    """The disk refused a write; what was there before is intact."""
