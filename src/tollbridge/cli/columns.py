"""Lines of a table on a terminal, and cells of one for a spreadsheet."""

from __future__ import annotations

from collections.abc import Sequence

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula: a name that begins so gets an apostrophe before it."""


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


def harmless(cell: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
