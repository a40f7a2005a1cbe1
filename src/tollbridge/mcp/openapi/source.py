"""Where the document of an API is."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tollbridge.mcp.http import Address


class Source(msgspec.Struct, frozen=True):
    """Where the document is. `base_inside`: where the API is stands in it. `keyed`: the credential is a key
    (`x-api-key`), which is sent where and as the document says."""

    file: Path | None = None
    address: Address | None = None
    base_inside: bool = False
    keyed: bool = False
