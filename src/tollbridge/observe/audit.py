"""Who changed what: one JSON line per change, through the logger `tollbridge.audit`. Never holds a secret: keys stand
in it by their public ids."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.observe.line import spelled
from tollbridge.observe.masked import LINE, MaskingFormatter

_log = logging.getLogger("tollbridge.audit")
_encode = msgspec.json.Encoder().encode


def audit(action: str, by: str, **said: object) -> None:
    """`action`: noun and verb (`key.block`). `by`: the id of the principal."""
    line: JsonObject = {"ts": spelled(time.time()), "event": "audit", "action": action, "by": by, **said}
    _log.info("%s", _encode(line).decode())


@contextmanager
def audited(file: Path, otherwise: TextIO) -> Iterator[None]:
    """For a command, which has no log: what it changes is appended to the file, or told to the stream where there is no
    writing to it."""
    handler: logging.Handler
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
        handler = logging.FileHandler(file, delay=True)
        handler.setFormatter(MaskingFormatter("%(message)s"))
    except OSError:
        handler = logging.StreamHandler(otherwise)
        handler.setFormatter(MaskingFormatter(LINE))
    level, told_above = _log.level, _log.propagate
    _log.propagate = False
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    try:
        yield
    finally:
        _log.removeHandler(handler)
        handler.close()
        _log.setLevel(level)
        _log.propagate = told_above
