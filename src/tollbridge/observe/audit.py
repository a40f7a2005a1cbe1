"""Who changed what: one JSON line per change, through the logger `tollbridge.audit`. Never holds a secret: keys stand
in it by their public ids."""

from __future__ import annotations

import logging

import msgspec

from tollbridge.model.json import JsonObject

_log = logging.getLogger("tollbridge.audit")
_encode = msgspec.json.Encoder().encode


def audit(action: str, by: str, **said: object) -> None:
    """`action`: noun and verb (`key.block`). `by`: the id of the principal."""
    line: JsonObject = {"event": "audit", "action": action, "by": by, **said}
    _log.info("%s", _encode(line).decode())
