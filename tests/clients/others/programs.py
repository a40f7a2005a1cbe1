"""What the parts of `make clients` share: where the clients are installed, which versions, and how a table is shown."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.clients.running import REPOSITORY

HERE = Path(__file__).parent
ENVIRONMENTS = REPOSITORY / ".venv-clients"
COMMANDS = HERE / "commands"
NODE = HERE / "node"
UNLOCKED = HERE / "unlocked"


class Outcome(msgspec.Struct):
    """Of one part. `wrong`: what a client said that it should not have; `missing`: clients that are not installed."""

    head: Sequence[str]
    rows: list[list[str]] = []
    asked: int = 0
    wrong: list[str] = []
    missing: list[str] = []

    def table(self, *, markdown: bool) -> str:
        if markdown:
            lines = [self.head, ["---"] * len(self.head), *self.rows]
            return "\n".join(f"| {' | '.join(line)} |" for line in lines)
        widths = [max(len(line[at]) for line in (self.head, *self.rows)) for at in range(len(self.head))]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
            for line in (self.head, *self.rows)
        )


def node(place: Path) -> str:
    """A Node of 22 or newer: the one that npm installed there, or with the commands, else the machine's."""
    place = COMMANDS if place == UNLOCKED else place
    own = place / "node_modules/.bin/node"
    return str(own.resolve()) if own.exists() else "node"


def python(environment: str) -> Path:
    return ENVIRONMENTS / environment / "bin/python"


def python_version(environment: str, package: str) -> str:
    asks = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run([python(environment), "-c", asks], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def npm_installed(place: Path, package: str) -> bool:
    return (place / "node_modules" / package / "package.json").exists()


def npm_version(place: Path, package: str) -> str:
    """As installed, whatever the lock says."""
    manifest = json.loads((place / "node_modules" / package / "package.json").read_text())
    return str(manifest["version"])
