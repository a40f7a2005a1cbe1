"""What `--json` prints: JSON that people can read too."""

from __future__ import annotations

import msgspec


def indented(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
