"""Real answers of real providers, from ../shared/recordings, over real sockets: a server in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

from tests.shared import SHARED


class Replay:
    def __init__(self, address: str) -> None:
        self.address = address

    def base(self, id: str, version: str = "", **options: object) -> str:
        """An `api_base` under which this recording is answered. `version` is what the provider's own base ends with."""
        said = "".join(f";{name}={value}" for name, value in options.items())
        return f"{self.address}/r/{id}{said}{version}"

    def openai(self, id: str, **options: object) -> str:
        return self.base(id, "/v1", **options)

    def captures(self) -> list[dict[str, Any]]:
        """What was asked since the last look."""
        with urlopen(f"{self.address}/__captures") as answer:
            found: list[dict[str, Any]] = json.load(answer)
        urlopen(Request(f"{self.address}/__captures", method="DELETE")).close()
        return found


def recorded(id: str) -> dict[str, Any]:
    provider = id.split("-", 1)[0]
    found: dict[str, Any] = json.loads((SHARED / "recordings" / provider / f"{id}.json").read_text())
    return found


@contextmanager
def replaying() -> Iterator[Replay]:
    command = [sys.executable, str(SHARED / "tools/replay_server.py"), "--root", str(SHARED / "recordings")]
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", said)
            assert found is not None, said
            yield Replay(found.group())
        finally:
            process.terminate()
