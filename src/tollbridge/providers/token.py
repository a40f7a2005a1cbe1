"""A bearer token that runs out, and who gives one."""

from __future__ import annotations

import msgspec

from tollbridge.secret import Secret


class Token(msgspec.Struct, frozen=True):
    """`expires_at`: epoch seconds."""

    text: Secret
    expires_at: float
