"""For which providers the environment is enough, what it lacks for others, and where a key is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tollbridge.errors import APIError
from tollbridge.providers import vertex
from tollbridge.providers.auth import SigV4
from tollbridge.providers.aws_account import CREDENTIALS
from tollbridge.providers.azure_token import TOKEN_PROVIDER
from tollbridge.providers.location import NOTHING, Environ, Given
from tollbridge.providers.resolve import first, located
from tollbridge.providers.row import Provider

_MODELS = ("any/any", "deployment/any")
"""By one of these names each provider can be asked for a model; at watsonx the second needs no project."""


_WHO = (
    *("aws_access_key_id", "aws_profile_name", "aws_role_name", "aws_web_identity_token"),
    *("azure_ad_token", "client_secret", "azure_password", "azure_credential"),
    *("vertex_credentials", "vertex_ai_credentials"),
)
"""What a call or a deployment says of who it is, beside a key."""


def available(environ: Environ, rows: Mapping[str, Provider]) -> list[Provider]:
    """The providers that the environment is enough for: it says whose key or who we are (or, where none is needed, an
    address), and nothing else is missing. One that needs nothing of it is none of them."""
    return [row for row in rows.values() if (row.needs_key or row.base_env) and not lacking(row, environ)]


class HalfSetUp(msgspec.Struct, frozen=True):
    """`key`: the variable that holds its key; `lacks`: what is not there, in words."""

    row: Provider
    key: str
    lacks: str

    def told(self) -> str:
        return f"{self.row.name}/* does not serve, though {self.key} is set: {self.lacks}"


def half_set_up(environ: Environ, rows: Mapping[str, Provider]) -> list[HalfSetUp]:
    """Those whose key the environment has, and not all else that they need. A key that is enough for another provider
    was meant for that one."""
    used = {name for row in available(environ, rows) for name in row.key_env}
    found = []
    for row in rows.values():
        key = next((name for name in row.key_env if environ.get(name) and name not in used), None)
        lacks = "" if key is None else lacking(row, environ)
        if key is not None and lacks:
            found.append(HalfSetUp(row, key, lacks.removeprefix(f"{row.name} ")))
    return found


def lacking(row: Provider, environ: Environ) -> str:
    """What the environment lacks, in words; "" where it is enough. Libraries are not looked for (`extras`)."""
    address = first(environ, row.base_env)
    identities = _identities(row)
    if not row.needs_key and not identities:
        return "" if address or not row.base_env else f"set {_any(row.base_env)}"
    keys = (*row.key_env, *row.token_env)
    nobody = f"set {_any((*keys, *map(_all, identities)))}"
    if not (row.api_key or first(environ, keys)):
        if row.account is None and not identities:
            return nobody
        if identities and not any(all(first(environ, (name,)) for name in one) for one in identities):
            return _half(identities, environ) or nobody
    unset = [hole.environ for hole in row.holes.values() if not first(environ, hole.environ)]
    if unset and not address:
        return f"set {_all([_any(names) for names in unset])}"
    why = [_why_not(row, model, environ, nobody) for model in _MODELS]
    return "" if "" in why else nobody if nobody in why else why[0]


def key_place(row: Provider, given: Given, environ: Environ) -> str:
    """Where the key, or the identity, is from that the provider is shown; "" where there is none."""
    if given.api_key:
        return "`api_key`"
    told = next((name for name in _WHO if given.extra.get(name)), TOKEN_PROVIDER if given.tokens else None)
    if told:
        return f"`{told}`"
    if row.api_key:
        return f"`api_key` of the provider {row.name!r}"
    for together in (*((name,) for name in (*row.key_env, *row.token_env)), *_identities(row)):
        if all(first(environ, (name,)) for name in together):
            return _all(together)
    return ""


def _identities(row: Provider) -> Sequence[Sequence[str]]:
    """Variables that say who we are, those together that belong together, where a cloud would be asked without any."""
    if row.shape == "vertex":
        return [(name,) for name in vertex.CREDENTIALS]
    return CREDENTIALS if isinstance(row.authentication, SigV4) else ()


def _half(identities: Sequence[Sequence[str]], environ: Environ) -> str:
    for together in identities:
        unset = [name for name in together if not first(environ, (name,))]
        if len(unset) < len(together):
            return f"set {_all(unset)}, too: {_all(together)} belong together"
    return ""


def _why_not(row: Provider, model: str, environ: Environ, nobody: str) -> str:
    try:
        found = located(model, row.name, NOTHING, environ, {row.name: row}, None)
    except APIError as error:
        return error.message.removeprefix(f"{row.name}: ").rstrip(".")
    return "" if found.secrets or found.cloud is not None else nobody


def _any(names: Sequence[str]) -> str:
    return " or ".join(names)


def _all(names: Sequence[str]) -> str:
    return " and ".join(names)
