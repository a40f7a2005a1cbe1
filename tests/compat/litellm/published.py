"""Code of the published articles in ../shared/seeds, taken out of the text and made to run again.

Their indentation is lost, and one glues words. What may be done to them is said in ../shared/acceptance.md: indenting,
splitting glued words, and putting in what a fragment leaves open (names, the server's path, the gateway's address).
Each is an `Edit` and kept, so that a test can say that there were no others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.shared import SHARED

GLUED = {
    "asyncdef": "async def ",
    "asyncwith": "async with",
    "asyncfor": "async for",
    "inawait": "in await",
    "ifhasattr": "if hasattr",
}
STEP = "    "
Kind = Literal["indented", "split", "put in"]


@dataclass(frozen=True)
class Edit:
    kind: Kind
    before: str
    after: str


@dataclass
class Fragment:
    """`lines`: as they are published."""

    lines: list[str]
    edits: list[Edit] = field(default_factory=list)

    def put(self, old: str, new: str) -> Fragment:
        """What it leaves open."""
        assert any(old in line for line in self.lines), f"{old!r} is not in the fragment"
        self.lines = [line.replace(old, new) for line in self.lines]
        self.edits.append(Edit("put in", old, new))
        return self

    def at(self, level: int, levels: Mapping[str, int] | None = None) -> str:
        """Indented: a line after one that opens a block is a step deeper, others are where the line before is.
        `levels`: lines (by how they begin) that end blocks, and how deep they are in the fragment."""
        ends, depth, open_brackets, after_colon, found = dict(levels or {}), 0, 0, False, []
        for line in self.lines:
            bare = self._split(line.strip())
            if not open_brackets:
                depth += after_colon
                begins = max((text for text in ends if bare.startswith(text)), key=len, default=None)
                depth = depth if begins is None else ends[begins]
                after_colon = False
            inner = 1 if open_brackets and not re.match(r"[)\]}]", bare) else 0
            found.append(STEP * (level + depth + inner) + bare)
            code = re.sub(r'"[^"]*"|\'[^\']*\'|#.*', "", bare).strip()
            open_brackets += sum(map(code.count, "([{")) - sum(map(code.count, ")]}"))
            after_colon = not open_brackets and (code.endswith(":") or (after_colon and not code))
        pairs = zip(self.lines, found, strict=True)
        self.edits.extend(Edit("indented", old, new) for old, new in pairs if old != new)
        return "\n".join(found) + "\n"

    def _split(self, line: str) -> str:
        for glued, words in GLUED.items():
            if glued in line:
                self.edits.append(Edit("split", glued, words))
                line = line.replace(glued, words)
        return line


def fragment(number: str, first: str, last: str, occurrence: int = 1) -> Fragment:
    """From the line that begins with `first` (the so many'th) to the next one that begins with `last`."""
    file = next((SHARED / "seeds").glob(f"{number}_*.txt"))
    lines = file.read_text("utf-8").splitlines()
    begins = [index for index, line in enumerate(lines) if line.strip().startswith(first)][occurrence - 1]
    ends = next(index for index in range(begins, len(lines)) if lines[index].strip().startswith(last))
    return Fragment([line for line in lines[begins : ends + 1] if line.strip()])
