"""A database and the pepper under which its keys were digested."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from tests.databases import rows
from tollbridge.errors import StoreError
from tollbridge.policy.minting import mint
from tollbridge.policy.pepper import check_pepper
from tollbridge.store.database import Database
from tollbridge.store.key import Key
from tollbridge.store.keys import KeyStore


def test_keys_from_under_another_pepper_are_told_before_anything_is_served(database: Database) -> None:
    first, other = secrets.token_bytes(32), secrets.token_bytes(32)
    check_pepper(database, first)
    check_pepper(database, other)  # no key yet: whichever comes last
    check_pepper(database, other)
    minted = mint(other)
    asyncio.run(KeyStore(database).insert(Key(id=minted.id, digest=minted.digest, name=minted.name)))
    check_pepper(database, other)
    with pytest.raises(StoreError, match="under another pepper") as caught:
        check_pepper(database, first)
    assert first.hex() not in str(caught.value)
    ((kept,),) = asyncio.run(rows(database, "SELECT fingerprint FROM pepper"))
    assert bytes(kept) not in (first, other)
