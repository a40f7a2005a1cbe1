"""A part of a page of docs/ that a script writes, between two comments that no reader of the page sees.

python -m scripts.NAME            writes it
python -m scripts.NAME --check    says whether it is stale: exit code 1
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]


class Marked(msgspec.Struct, frozen=True):
    """`page`: from the root. `what`: the word for it in the comments. `script`: the module's name. `lines`: what it is
    to be."""

    page: str
    what: str
    script: str
    lines: Callable[[], Iterable[str]]

    @property
    def file(self) -> Path:
        return ROOT / self.page

    def written(self, text: str) -> str:
        """The whole page, with the part as it is to be."""
        begin, end = (
            f"<!-- the {self.what}, by scripts/{self.script}.py -->\n",
            f"<!-- the end of the {self.what} -->\n",
        )
        head, _, rest = text.partition(begin)
        _, _, tail = rest.partition(end)
        return "\n".join([f"{head}{begin}", *self.lines(), f"{end}{tail}"])

    def main(self) -> None:
        before = self.file.read_text()
        after = self.written(before)
        if "--check" in sys.argv[1:]:
            if before != after:
                sys.exit(f"{self.page} is stale: run `python -m scripts.{self.script}`.")
            return
        self.file.write_text(after)
