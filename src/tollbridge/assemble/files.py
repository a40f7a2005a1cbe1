"""Files and batches: where providers keep them for tenants."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.assemble.accounts import Accounts
from tollbridge.assemble.places import Places
from tollbridge.config.settings import GeneralSettings
from tollbridge.files.desk import Desk
from tollbridge.files.formats import FORMATS
from tollbridge.files.ids import Ids
from tollbridge.files.keeper import Keeper
from tollbridge.files.owing import Deployments
from tollbridge.providers.names import find
from tollbridge.providers.row import Provider
from tollbridge.server.gateway import Gateway
from tollbridge.store.objects import ObjectStore


def desk(
    general: GeneralSettings,
    rows: Mapping[str, Provider],
    places: Places,
    models: Deployments,
    gateway: Gateway,
    accounts: Accounts,
    key: bytes,
) -> Desk:
    """`key`: `Home.reply_key`."""

    def named(name: str) -> str | None:
        row = find(name, rows)
        return None if row is None else row.name

    order = {provider: number for number, provider in enumerate(rows)}
    by_table = dict(sorted(places.named.items(), key=lambda pair: order[pair[0]]))
    keeper = Keeper(gateway, by_table, places.accounts, ObjectStore(accounts.database, key), Ids(key), models, named)
    gateway.references = keeper
    accounts.along(keeper.follow)
    formats = {name: FORMATS[place.root.wire] for name, place in by_table.items() if place.root.wire in FORMATS}
    return Desk(keeper, formats, general.public_url or "")
