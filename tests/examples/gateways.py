"""`tollbridge serve` in a process of its own, without keys of any provider: what an example asks."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec

from tests.clients.running import running
from tests.examples.programs import EXAMPLES, PATH

BIN = Path(sys.executable).parent
KEY = f"sk-tb-{secrets.token_hex(16)}"
DESK = f"customer-service={sys.executable} {EXAMPLES / 'customer_service/server.py'}"


@contextmanager
def serving(home: Path, *arguments: str, **environ: str) -> Iterator[str]:
    """Its address. `environ`: what the configuration wants from the environment."""
    given = {
        "PATH": PATH,
        "TOLLBRIDGE_HOME": str(home),
        "TOLLBRIDGE_MASTER_KEY": KEY,
        **environ,
    }
    with running(str(BIN / "tollbridge"), "serve", "--port", "0", "--log", "none", *arguments, environ=given) as url:
        yield url


def ask(url: str, body: Any = None, *, key: str = KEY, **headers: str) -> Any:
    """The JSON of an answer; without a body it is a GET."""
    sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
    with urlopen(Request(url, None if body is None else msgspec.json.encode(body), sent)) as answer:
        return msgspec.json.decode(answer.read())
