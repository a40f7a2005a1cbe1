"""Who changed what: one JSON line per change, through the logger `tollbridge.audit`. Never holds a secret: keys stand
in it by their public ids."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.observe.masked import LINE, MaskingFormatter

_log = logging.getLogger("tollbridge.audit")
_encode = msgspec.json.Encoder().encode


def audit(action: str, by: str, **said: object) -> None:
    """`action`: noun and verb (`key.block`). `by`: the id of the principal."""
    line: JsonObject = {"event": "audit", "action": action, "by": by, **said}
    _log.info("%s", _encode(line).decode())


@contextmanager
def audited(stream: TextIO) -> Iterator[None]:
    """For a command, which has no log: what it changes is written to the stream, as a serving process writes it."""
    handler, level = logging.StreamHandler(stream), _log.level
    handler.setFormatter(MaskingFormatter(LINE))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    try:
        yield
    finally:
        _log.removeHandler(handler)
        _log.setLevel(level)
