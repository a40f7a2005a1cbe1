"""Lines of a table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(line: Sequence[str], widths: Sequence[int], names: int) -> str:
    """The first `names` cells to the left, the others, numbers, to the right."""
    cells = [
        cell.ljust(width) if column < names else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(cells).rstrip() + "\n"


def printable(text: str) -> str:
    """A terminal obeys what a client may have written into a name."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
