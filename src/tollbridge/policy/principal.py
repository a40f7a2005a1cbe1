"""Who asks, once that is proved."""

from __future__ import annotations

import msgspec

from tollbridge.policy.access import ALL, Access
from tollbridge.store.key import Key


class Principal(msgspec.Struct, frozen=True):
    """Somebody who proved who they are. `id` is safe to log. `key`: the virtual key that was shown; None for the master
    key and behind an open door, which nothing limits. `access`: the models that may be asked for."""

    id: str
    admin: bool = False
    key: Key | None = None
    access: Access = ALL
