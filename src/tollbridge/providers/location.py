"""What is said of a provider, and what follows from it (`resolve`): where to send, as whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from tollbridge.model.json import Json
from tollbridge.providers.account import Account
from tollbridge.providers.aws_keys import AwsAccount
from tollbridge.providers.row import Provider
from tollbridge.secret import Secret

Environ = Mapping[str, str]


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a call or a deployment says about its provider. `base_model`: what an Azure deployment, or a server with
    names of its own, really runs. `extra`: anything else that a row may ask for (`account_id`, `azure_ad_token`,
    `project` ...). `tokens`: a program's function that gives one."""

    api_key: str | Secret | None = None
    api_base: str | None = None
    api_version: str | None = None
    organization: str | None = None
    base_model: str | None = None
    extra: Mapping[str, Json] = {}
    tokens: Callable[[], object] | None = None


NOTHING = Given()


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """`provider`: the row as it is for this model. `path`: target of chat requests, with query. `headers`: fixed
    ones, and credentials as Secrets. `account`: a hash of whom we are there, for seals. `count_tokens_path`: None
    where there is no such endpoint. `stream_path`: of streams; "" where they are asked for like all else. `secrets`:
    the bare keys, which must never be shown. `body`: fields that stand in each body, `keeps`: those that go on
    though the format has no word for them. `listed`: the names under which a price list may have the model, the
    closest first; none: its own. `cloud`: whose token is to be fetched, or who signs, where that takes the place of
    a key. `own_address`: it is the provider's, not a server of somebody's that speaks like it."""

    provider: Provider
    model: str
    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    headers: tuple[tuple[str, str | Secret], ...]
    account: str
    secrets: tuple[Secret, ...] = ()
    count_tokens_path: str | None = None
    stream_path: str = ""
    body: Mapping[str, Json] = {}
    keeps: frozenset[str] = frozenset()
    listed: tuple[str, ...] = ()
    cloud: Account | AwsAccount | None = None
    own_address: bool = True
