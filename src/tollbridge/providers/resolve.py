"""A model's name, what the operator gave, and the environment -> where to send, as whom.

An explicit None (or an empty text) means "not given". For each value the order is: the call or deployment, the row of
the operator's file, the environment, the table. A key from the environment goes with the operator's `api_base`, as
LiteLLM does; an `api_base` that comes with a request never gets here (it is refused at the door).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from urllib.parse import quote

import msgspec

from tollbridge.errors import AuthenticationError, BadRequestError
from tollbridge.model.json import Json
from tollbridge.providers import azure, bedrock, patches, vertex
from tollbridge.providers.account import Account
from tollbridge.providers.address import Base, join, read_base
from tollbridge.providers.auth import Auth, AuthHeaders, NoAuth, SigV4, write_auth, write_bearer
from tollbridge.providers.aws_account import read_account, read_region
from tollbridge.providers.aws_keys import AwsAccount
from tollbridge.providers.extras import check_there
from tollbridge.providers.google_token import GoogleAccount, project_in
from tollbridge.providers.listing import qualified, without_mode
from tollbridge.providers.location import NOTHING, Environ, Given, Location
from tollbridge.providers.names import locate
from tollbridge.providers.row import CHAT, RESPONSES, WIRES, From, Place, Provider
from tollbridge.providers.said import Said
from tollbridge.secret import Secret

__all__ = ["NOTHING", "Given", "Location", "resolve"]

_UNSENDABLE = re.compile(r"[^\x21-\x7e]")
_HOLE = re.compile(r"\{(\w+)\}")


def resolve(
    model: str,
    *,
    custom_llm_provider: str | None = None,
    given: Given = NOTHING,
    environ: Environ,
    rows: Mapping[str, Provider],
    wire: str | None = None,
) -> Location:
    """`wire`: the format to be spoken, where it is not the provider's own. Raises NotFoundError (no such provider),
    AuthenticationError (no key, and which variable to set), BadRequestError (no address, or one that cannot be used)
    and InternalServerError (a library is missing that its credentials need)."""
    location = located(model, custom_llm_provider, given, environ, rows, wire)
    if location.cloud is not None:
        check_there(location.cloud.extra, location.provider.name)
    return location


def located(
    model: str,
    custom_llm_provider: str | None,
    given: Given,
    environ: Environ,
    rows: Mapping[str, Provider],
    wire: str | None,
) -> Location:
    """The same, whatever libraries are missing."""
    row, name = locate(model, rows, provider=custom_llm_provider, api_base=given.api_base)
    mode, name = without_mode(name)
    wire = mode or wire
    if row.shape == "bedrock":
        return _on_bedrock(row, name, given, environ, wire)
    if row.shape == "azure":
        row, name = row.for_model(given.base_model or name.replace("o_series/", "o1:")), azure.deployment_name(name)
    else:
        row = row.for_model(given.base_model or name)
    if wire is None and row.openai_at and _asked_at(row, given, environ).endswith(row.openai_at):
        wire = CHAT
    if wire is not None:
        row = row.speaking(wire)
    listed: tuple[str, ...] = ()
    if row.qualifies and "/" not in name:
        name, listed = qualified(row, name)
    if row.shape == "vertex":
        return _on_vertex(row, name, given, environ)
    base, own_address = base_of(row, given, environ)
    if isinstance(row.authentication, SigV4):
        given = _in_region(given, read_region(_said(row, given, environ, base)))
    if row.shape == "azure_ai":
        row = azure.foundry_row(row, base, given.base_model or name)
    shown = _credentials(row, given, environ, base, own_address, name)
    if row.place is not None:
        place = row.place(_said(row, given, environ, base), name)
        return _at_place(row, base, own_address, place, shown, _values(row, given, environ))
    path = _path(row, base, name, given, environ)
    counts = _filled(row.counts_at, base, name) if row.counts_at else f"{path}/count_tokens"
    return Location(
        provider=row,
        model=name,
        scheme=base.scheme,
        host=base.host,
        port=base.port,
        path=path,
        headers=(*row.fixed_headers, *_values(row, given, environ), *shown.headers),
        account=_account(row, base, shown.identity),
        secrets=shown.secrets,
        cloud=shown.cloud,
        count_tokens_path=counts if row.count_tokens and "?" not in path else None,
        stream_path=_filled(row.streams_at, base, name) if row.streams_at else "",
        listed=listed,
        own_address=own_address,
    )


def _at_place(
    row: Provider, base: Base, own_address: bool, place: Place, shown: _Shown, values: tuple[tuple[str, str], ...]
) -> Location:
    row = row.speaking(place.wire or row.wire)
    if place.rewrites:
        row = msgspec.structs.replace(row, rewrites=(*row.rewrites, *place.rewrites))
    if place.lends:
        row = msgspec.structs.replace(row, patches=(*row.patches, patches.Lent(place.lends)))
    return Location(
        provider=row,
        model=place.model,
        scheme=base.scheme,
        host=base.host,
        port=base.port,
        path=place.path,
        headers=(*row.fixed_headers, *values, *shown.headers),
        account=_account(row, base, shown.identity),
        secrets=shown.secrets,
        stream_path=place.stream_path,
        body=place.body,
        keeps=place.keeps,
        cloud=shown.cloud,
        own_address=own_address,
    )


def _on_vertex(row: Provider, name: str, given: Given, environ: Environ) -> Location:
    """Its address hangs on project and location, its format on the model; without a key it wants a token."""
    task = "" if row.wire in WIRES else row.chat_path
    row = row if task else vertex.row_for(row, name)
    extra = given.extra
    key = _secret(given.api_key) or row.api_key or _secret(first(environ, row.key_env))
    credentials = _credentials_of(extra) or _secret(first(environ, vertex.CREDENTIALS))
    project = _value(From("vertex_project"), given, environ) or _value(
        From("vertex_ai_project", vertex.PROJECT), given, environ
    )
    if project is None and credentials is not None:
        project = project_in(credentials.reveal())
    location = _value(From("vertex_location"), given, environ) or _value(
        From("vertex_ai_location", vertex.LOCATION), given, environ
    )
    where = vertex.place(project, location, has_key=bool(key))
    said = given.api_base or first(environ, row.base_env)
    base = read_base(said, row.name) if said else vertex.own_base(where)
    if key:
        _check_sendable(key, row, name)
    found = vertex.task_targets(base, where, name, task) if task else vertex.targets(base, where, name)
    return Location(
        provider=row,
        model=name,
        scheme=base.scheme,
        host=base.host,
        port=base.port,
        path=found.path,
        headers=(*row.fixed_headers, *(write_auth(row.authentication, key) if key else ())),
        account=_account(row, base, key.reveal() if key else where.project),
        secrets=tuple(secret for secret in (key, credentials) if secret),
        count_tokens_path=found.count_path,
        stream_path=found.stream_path if found.stream_path != found.path else "",
        cloud=None if key else GoogleAccount(credentials),
    )


def _on_bedrock(row: Provider, name: str, given: Given, environ: Environ, wire: str | None) -> Location:
    """The model stands in the path, and says in which format it is asked."""
    at = given.api_base or given.extra.get("aws_bedrock_runtime_endpoint") or first(environ, row.base_env)
    base = read_base(at, row.name) if isinstance(at, str) else None
    said = _said(row, given, environ, base or Base("https", "", 443, ""))
    named = bedrock.read_name(name, model_id=said.value("model_id"), base_model=given.base_model)
    region = read_region(said, named.region, needed=base is None)
    given = _in_region(given, region)
    own = base is None or bedrock.is_amazons(base.host)
    base = base or Base("https", bedrock.host_of("bedrock-runtime", region), 443, "")
    messages = named.is_claude and (wire == bedrock.MESSAGES or named.route == "invoke")
    both = named.is_claude and named.route == "" and own and wire is None
    row = bedrock.in_messages(row) if messages else row
    row = msgspec.structs.replace(
        row,
        also={bedrock.MESSAGES: ""} if both else {},
        prefers={**row.prefers, "base_model": named.kind},
    ).for_model(named.kind)
    shown = _credentials(row, given, environ, base, own, named.model)
    path, stream_path = bedrock.targets(base.path, named.model, messages=messages)
    headers, body = bedrock.guarded(given.extra, messages=messages)
    return Location(
        provider=row,
        model=named.model,
        scheme=base.scheme,
        host=base.host,
        port=base.port,
        path=path,
        headers=(*row.fixed_headers, *headers, *shown.headers),
        account=_account(row, base, shown.identity),
        secrets=shown.secrets,
        stream_path=stream_path,
        body=body,
        listed=tuple(named.listed(region)) if named.kind else (),
        cloud=shown.cloud,
        own_address=own,
    )


def _in_region(given: Given, region: str) -> Given:
    """Whoever signs needs to know it, wherever it is from."""
    return msgspec.structs.replace(given, extra={**given.extra, "aws_region_name": region}) if region else given


def _credentials_of(extra: Mapping[str, Json]) -> Secret | None:
    """The JSON of credentials, as text or as the object that it is, or a path to it."""
    said = extra.get("vertex_credentials") or extra.get("vertex_ai_credentials")
    return Secret(msgspec.json.encode(said).decode()) if isinstance(said, dict) else _secret(said)


def _asked_at(row: Provider, given: Given, environ: Environ) -> str:
    """The path of the operator's `api_base`; "" where there is none."""
    said = given.api_base or first(environ, row.base_env)
    return read_base(said, row.name).path if said else ""


def base_of(row: Provider, given: Given, environ: Environ) -> tuple[Base, bool]:
    """(the base, whether it is the provider's own)."""
    said = given.api_base or first(environ, row.base_env)
    if said:
        base = read_base(said, row.name)
        bare = bool(row.bare_path) and not base.path
        return (msgspec.structs.replace(base, path=row.bare_path) if bare else base), False
    if not row.base_url:
        raise BadRequestError(
            f"{row.name} needs an address: pass `api_base`{_or_set(row.base_env)}.",
            param="api_base",
            provider=row.name,
            fault="operator",
        )
    return read_base(_HOLE.sub(lambda found: _hole(row, found[1], given, environ), row.base_url), row.name), True


def _hole(row: Provider, name: str, given: Given, environ: Environ) -> str:
    hole = row.holes[name]
    value = re.sub(r"^https?://", "", _value(hole, given, environ) or "").rstrip("/")
    if not re.fullmatch(r"[\w.-]+", value, re.ASCII):
        what = "is missing" if not value else "holds characters that no URL's name has"
        raise BadRequestError(
            f"{row.name}: `{hole.given}` {what}: pass it, or `api_base`{_or_set(hole.environ)}.",
            param=hole.given,
            provider=row.name,
            fault="operator",
        )
    return value


def _path(row: Provider, base: Base, model: str, given: Given, environ: Environ) -> str:
    match row.shape:
        case "azure":
            version = given.api_version or first(environ, ("AZURE_API_VERSION",))
            if row.wire == RESPONSES:
                return azure.responses_target(base, version)
            return _of_task(row, azure.openai_target(base, model, version))
        case "azure_ai":
            version = given.api_version or first(environ, ("AZURE_AI_API_VERSION",))
            return azure.foundry_target(base, version, row.path)
        case _:
            return _filled(row.path, base, model)


def _of_task(row: Provider, chat: str) -> str:
    """What is beside the chat endpoint."""
    return chat if row.wire in WIRES else chat.replace(azure.CHAT, row.path, 1)


def _filled(path: str, base: Base, model: str) -> str:
    """A row's path put to the base; the model's name, where it stands there, as one step of it."""
    path, _, query = path.replace("{model}", quote(model, safe="")).partition("?")
    asked = "&".join(filter(None, (query, base.query)))
    return join(base.path, path) + (f"?{asked}" if asked else "")


class _Shown(msgspec.Struct, frozen=True):
    """What the provider is shown: a key or a token in `headers`, or a token of `cloud`. All empty: nothing."""

    headers: AuthHeaders = ()
    key: Secret = Secret("")
    cloud: Account | AwsAccount | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        fetched_for = () if self.cloud is None else self.cloud.secrets
        return tuple(dict.fromkeys(secret for secret in (self.key, *fetched_for) if secret))

    @property
    def identity(self) -> str:
        return self.key.reveal() if self.cloud is None else self.cloud.identity


def _credentials(row: Provider, given: Given, environ: Environ, base: Base, own_address: bool, model: str) -> _Shown:
    """What is given goes before whatever the environment holds. Something is needed at the provider's own address, and
    where it has none; a server of one's own may do without."""
    auth = azure.foundry_auth(base, row) if row.shape == "azure_ai" else row.authentication
    for known in (_NO_ENVIRONMENT, environ):
        shown = _shown(row, auth, given, known, base)
        if shown is not None:
            if shown.key:
                _check_sendable(shown.key, row, model)
            return shown
    if row.needs_key and not isinstance(auth, NoAuth) and (own_address or not row.base_url):
        raise AuthenticationError(
            f"{row.name} needs a key: pass `api_key`{_or_set((*row.key_env, *row.token_env))}.",
            code="missing_api_key",
            param="api_key",
            provider=row.name,
            model=model,
            fault="operator",
        )
    return _Shown()


_NO_ENVIRONMENT: Environ = {}


def _shown(row: Provider, auth: Auth, given: Given, environ: Environ, base: Base) -> _Shown | None:
    key = _secret(given.api_key) or row.api_key or _secret(first(environ, row.key_env))
    token = _secret(given.extra.get("azure_ad_token") or first(environ, row.token_env)) if row.token_env else None
    if token and not key:
        azure.check_token(token, row.name)
        return _Shown(write_bearer(token), token)
    if isinstance(auth, SigV4) and not key:
        chain = environ is not _NO_ENVIRONMENT
        signer = read_account(_said(row, given, environ, base), auth.service, chain=chain)
        return None if signer is None else _Shown((), cloud=signer)
    if row.account is not None:
        cloud = row.account(_said(row, given, environ, base, key))
        if cloud is not None:
            return _Shown((), key or Secret(""), cloud)
    return _Shown(write_auth(auth, key), key) if key else None


def _said(row: Provider, given: Given, environ: Environ, base: Base, key: Secret | None = None) -> Said:
    extra = {**given.extra, "api_version": given.api_version} if given.api_version else given.extra
    key = key or Secret("")
    return Said(
        provider=row.name,
        base=base,
        path=row.path,
        key=key,
        given=extra,
        environ=environ,
        tokens=given.tokens,
    )


def _check_sendable(key: Secret, row: Provider, model: str) -> None:
    if _UNSENDABLE.search(key.reveal()):
        raise AuthenticationError(
            f"The key of {row.name} holds a character that no key has (a space or a line break?).",
            code="invalid_api_key",
            param="api_key",
            provider=row.name,
            model=model,
            fault="operator",
        )


def _account(row: Provider, base: Base, identity: str) -> str:
    whole = "\0".join((row.name, base.host, str(base.port), identity))
    return blake2b(whole.encode(), digest_size=8, person=b"tb-account").hexdigest()


def _values(row: Provider, given: Given, environ: Environ) -> tuple[tuple[str, str], ...]:
    found = [(header, _value(source, given, environ)) for header, source in row.header_values.items()]
    for header, value in found:
        if value is not None and not (value.isascii() and value.isprintable()):
            raise BadRequestError(
                f"{row.name}: the value for the header `{header}` holds characters that a header cannot carry.",
                param=row.header_values[header].given,
                provider=row.name,
                fault="operator",
            )
    return tuple((header, value) for header, value in found if value)


def _value(source: From, given: Given, environ: Environ) -> str | None:
    said = given.organization if source.given == "organization" else given.extra.get(source.given)
    return said.strip() if isinstance(said, str) and said.strip() else first(environ, source.environ)


def first(environ: Environ, names: tuple[str, ...]) -> str | None:
    """The first of these variables that holds more than white space."""
    return next((value for name in names if (value := environ.get(name, "").strip())), None)


def _secret(value: Json) -> Secret | None:
    match value:
        case Secret():
            return value if value else None
        case str() if value.strip():
            return Secret(value.strip())
    return None


def _or_set(variables: tuple[str, ...]) -> str:
    return f", or set {' or '.join(variables)}" if variables else ""
