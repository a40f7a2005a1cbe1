"""That the keys of a database were digested under the pepper that is here.

Under another one every key would be unknown, and nobody would be told why. So the database keeps a fingerprint of the
pepper: an HMAC of a constant under it, from which neither it nor any key can be had.
"""

from __future__ import annotations

import hmac

from tollbridge.errors import StoreError
from tollbridge.store.database import Database
from tollbridge.store.pepper import keep_fingerprint

_CONSTANT = b"tollbridge: which pepper is this"


def check_pepper(database: Database, pepper: bytes) -> None:
    """Notes the pepper where there is no key yet. Raises StoreError where the keys are from under another one."""
    if not keep_fingerprint(database, hmac.digest(pepper, _CONSTANT, "sha256")):
        raise StoreError(
            f"The keys in {database.name} were digested under another pepper: none of them would be known. Bring that "
            "one here: the file `pepper` of the state directory in which they were made, or TOLLBRIDGE_PEPPER."
        )
