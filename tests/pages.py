"""The pages of documentation, and the blocks of code in them.

A block that cannot be run says so before it, in a comment that no reader of the page sees:

    <!-- not run: needs a key of OpenAI -->
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tollbridge.providers.table import ROWS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SERVE = ("tollbridge", "serve", "--port", "0", "--log", "none")
ADDRESS = "http://127.0.0.1:4000"
BLOCK = re.compile(r"(?:^ *<!-- not run: (.*?) -->\n)?^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


class Block(msgspec.Struct, frozen=True):
    """`number`: of all blocks of the page, from 1. `unrun`: why it is not run, "" where it is."""

    page: Path
    number: int
    language: str
    text: str
    unrun: str = ""

    @property
    def name(self) -> str:
        return f"{name(self.page)}-{self.number}"


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, *languages: str) -> list[Block]:
    """Those of the languages, or all."""
    found = [
        Block(page, number, language, text, unrun)
        for number, (unrun, language, text) in enumerate(BLOCK.findall(page.read_text()), 1)
    ]
    return [block for block in found if block.language in languages or not languages]


def all_blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page, *languages)]


def newcomer(home: Path) -> dict[str, str]:
    """The environment of somebody who has no key of any provider, with the commands of this environment in the path."""
    keys = {key for row in ROWS.values() for key in (*row.key_env, *row.token_env, *row.base_env)}
    kept = {key: value for key, value in os.environ.items() if key not in keys and "TOLLBRIDGE" not in key}
    return {**kept, "HOME": str(home), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"}


def master_key(environ: Mapping[str, str]) -> str:
    return (Path(environ["HOME"]) / ".tollbridge/master_key").read_text().strip()
