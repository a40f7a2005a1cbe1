"""What a row's own functions ask of a call is declared: the SDK takes it for the row, and keeps it out of bodies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tollbridge.config.tables.deployment import PROVIDER_PARAMS, PROVIDER_SECRETS
from tollbridge.errors import APIError
from tollbridge.providers.address import Base
from tollbridge.providers.row import Provider
from tollbridge.providers.said import Said
from tollbridge.providers.table import ROWS
from tollbridge.secret import Secret

OWN_WAYS = [row for row in ROWS.values() if row.place is not None or row.account is not None]
BASE = Base("https", "here.example", 443, "/v1")
NOT_OF_A_ROW = {"api_version"}


class Watched(Mapping[str, Any]):
    """Holds nothing, and remembers what was looked for."""

    def __init__(self, held: dict[str, Any]) -> None:
        self.held = held
        self.looked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.looked.add(name)
        return self.held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.held)

    def __len__(self) -> int:
        return len(self.held)


@pytest.mark.parametrize("row", OWN_WAYS, ids=lambda row: row.name)
@pytest.mark.parametrize("key", ["", "k"])
@pytest.mark.parametrize("holds", [(), "declared"])
def test_nothing_is_asked_that_is_not_declared(row: Provider, key: str, holds: str) -> None:
    given = Watched(dict.fromkeys(row.asks, "x") if holds else {})
    said = Said(provider=row.name, base=BASE, path=row.path, key=Secret(key), given=given, environ={})
    for way in (row.account, row.place and (lambda said: row.place(said, "owner/name"))):  # type: ignore[misc]
        if way is not None:
            try:
                way(said)
            except APIError:
                continue
    assert given.looked - NOT_OF_A_ROW <= set(row.asks)


@pytest.mark.parametrize("row", OWN_WAYS, ids=lambda row: row.name)
def test_what_is_declared_may_stand_in_a_configuration(row: Provider) -> None:
    assert set(row.asks) <= {*PROVIDER_PARAMS, *PROVIDER_SECRETS}
