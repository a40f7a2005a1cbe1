"""A provider as one row: where it is, how it is paid, and in what it differs from its wire.

`table.ROWS` holds ours; a user writes the same under `providers:` in the YAML (`row_from_config`). Nine providers in
ten speak a known wire and need no code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from tollbridge.errors import ConfigError
from tollbridge.model.json import Json, JsonObject
from tollbridge.providers.account import Account
from tollbridge.providers.auth import Auth, Bearer, HeaderKey, NoAuth, SigV4
from tollbridge.providers.rewrite import Rewrite
from tollbridge.providers.said import Said
from tollbridge.secret import Secret
from tollbridge.wires.base import FEATURES
from tollbridge.wires.openai_chat.thinking import PLAIN, STYLES

Patch = Callable[[JsonObject], JsonObject]
"""A pure rewrite of the body that is about to be sent. It may return the body itself, and changes none that it is
given."""

Shape = Literal["plain", "azure", "azure_ai", "vertex", "bedrock"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model is at a provider that has URLs of its own. `model`: its name there. `path`, `stream_path`: request
    targets; a `stream_path` that is "" is the same. `body`: fields that say more of the place; they stand in each
    body, and the client's own do not count. `wire`: the format that is spoken there, where it is not the row's."""

    model: str
    path: str
    stream_path: str = ""
    body: Mapping[str, Json] = {}
    wire: str = ""


class WireDefaults(msgspec.Struct, frozen=True):
    """What a wire's providers have in common where a row says nothing. `{model}` in a path is the model's name;
    `stream_path`: where a stream is asked for, if elsewhere."""

    chat_path: str
    auth: Auth
    headers: tuple[tuple[str, str], ...] = ()
    renames: Mapping[str, str] = {}
    stream_path: str = ""
    count_path: str = ""


CHAT = "openai_chat"
RESPONSES = "openai_responses"
NO_CHAT = "no_chat"
WIRES: Mapping[str, WireDefaults] = {
    CHAT: WireDefaults("/chat/completions", Bearer()),
    "anthropic_messages": WireDefaults("/v1/messages", HeaderKey("x-api-key"), (("anthropic-version", "2023-06-01"),)),
    RESPONSES: WireDefaults(
        "/responses",
        Bearer(),
        renames={"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"},
    ),
    "bedrock_converse": WireDefaults(
        "/model/{model}/converse", SigV4("bedrock"), stream_path="/model/{model}/converse-stream"
    ),
    "replicate": WireDefaults("/v1/predictions", Bearer()),
    "gemini": WireDefaults(
        "/models/{model}:generateContent",
        HeaderKey("x-goog-api-key"),
        stream_path="/models/{model}:streamGenerateContent?alt=sse",
        count_path="/models/{model}:countTokens",
    ),
    "cohere": WireDefaults("/v2/chat", Bearer()),
    "ollama": WireDefaults("/api/chat", Bearer()),
    NO_CHAT: WireDefaults("/chat/completions", Bearer()),  # never sent
}
WIRE_OF_MODE: Mapping[str, str] = {"responses": RESPONSES}
"""LiteLLM's word for a model that is reached by another format than its provider's own: `provider/responses/model`, or
`model_info: {mode: responses}`."""


class From(msgspec.Struct, frozen=True):
    """A value of the operator's: the argument `given` of a call or deployment, else the first variable of `environ`
    that is set."""

    given: str
    environ: tuple[str, ...] = ()


class HeaderField(msgspec.Struct, frozen=True):
    """The field of a body in which a provider takes what elsewhere is a header with a list in it. `known`: the words
    that it does not refuse."""

    field: str
    known: frozenset[str]


class ForModels(msgspec.Struct, frozen=True, kw_only=True):
    """In what some models of a provider differ. `names` is matched at the start of the model's name, vendor prefixes
    (`openai/`) aside."""

    names: re.Pattern[str]
    drops: frozenset[str] = frozenset()
    renames: Mapping[str, str] = {}
    lacks: frozenset[str] = frozenset()
    prefers: Mapping[str, str] = {}
    patches: tuple[Patch, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    also: Mapping[str, str] = {}


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One row.

    `wire`: name of the format it speaks. `base_url`: what `api_base` is where nobody says; "" where somebody must;
    names in braces are filled from `holes`. `bare_path`: added to an `api_base` that has no path at all. `openai_at`:
    an `api_base` that ends so is spoken to in OpenAI's chat format, whatever the row's own. `chat_path`:
    what is added to the base; as much of it as the base already ends with is not repeated. `stream_path`: the same for
    streams, where they are elsewhere. `key_env`, `base_env`:
    environment variables, the first that is set counts; `token_env`: variables that hold a bearer token, used where
    there is no key. `needs_key`: without one, nothing is sent to the provider's own address. `api_key`: a key from
    the operator's file. `headers` are fixed, `header_values` are the operator's.

    `also`: other formats that it speaks for the same models, and the path of each, or the URL where it is not below
    `base_url`: a client of such a dialect is served in it. `drops`: fields of a body that this vendor refuses.
    `renames`: those that it knows by another name (in a
    body with both, its own counts). `lacks`: words of `wires.base.FEATURES`. `prefers`: spellings, as
    `wires.base.Target` lists them. `patches`: for what these cannot say;
    `rewrites`: where it costs a Caveat. `header_fields`: headers of the client's that
    go into the body here. `models`: the same for some models only.
    `qualifies`: put before a model's name that has no slash. `shape`: how its URLs are made; `place`: likewise, by a
    function in a file of its own. `account`: whose tokens are fetched, in exchange for the key or where there is none.
    `asks`: the names of what these two may want of the call or the deployment. `links_to`: the domain where an answer's
    links may lead to the rest of it. `count_tokens`: it has the endpoint. `plain`: at its own address, it refuses
    messages with fields that its format does not have. `local`: costs nothing and needs no network. `tells_cost`: its
    usage says what it charged, in dollars (`catalog.parts.told_cost`). `source`, `checked`: where the facts are from
    and when they were last compared (YYYY-MM-DD).
    """

    name: str
    wire: str
    base_url: str = ""
    bare_path: str = ""
    openai_at: str = ""
    chat_path: str = ""
    also: Mapping[str, str] = {}
    stream_path: str = ""
    holes: Mapping[str, From] = {}
    base_env: tuple[str, ...] = ()
    key_env: tuple[str, ...] = ()
    token_env: tuple[str, ...] = ()
    needs_key: bool = True
    auth: Auth | None = None
    api_key: Secret | None = None
    headers: tuple[tuple[str, str], ...] = ()
    header_values: Mapping[str, From] = {}
    drops: frozenset[str] = frozenset()
    renames: Mapping[str, str] = {}
    lacks: frozenset[str] = frozenset()
    prefers: Mapping[str, str] = {}
    patches: tuple[Patch, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    header_fields: Mapping[str, HeaderField] = {}
    models: tuple[ForModels, ...] = ()
    qualifies: str = ""
    shape: Shape = "plain"
    place: Callable[[Said, str], Place] | None = None
    account: Callable[[Said], Account | None] | None = None
    asks: tuple[str, ...] = ()
    links_to: str = ""
    count_tokens: bool = False
    local: bool = False
    plain: bool = False
    tells_cost: bool = False
    source: str = ""
    checked: str = ""

    @property
    def path(self) -> str:
        return self.chat_path or WIRES[self.wire].chat_path

    @property
    def streams_at(self) -> str:
        """Where streams are asked for; "" where everything else is."""
        return self.stream_path or ("" if self.chat_path else WIRES[self.wire].stream_path)

    @property
    def counts_at(self) -> str:
        return "" if self.chat_path else WIRES[self.wire].count_path

    @property
    def authentication(self) -> Auth:
        return WIRES[self.wire].auth if self.auth is None else self.auth

    @property
    def fixed_headers(self) -> tuple[tuple[str, str], ...]:
        own = {name for name, _ in self.headers}
        usual = WIRES[self.wire].headers if self.wire in WIRES else ()  # that of a task has said them all
        return (*(pair for pair in usual if pair[0] not in own), *self.headers)

    def speaking(self, wire: str) -> Provider:
        """The row as it is for another format than its own. Patches and renamed fields are of bodies in its own; so are
        dropped ones, but for the formats with OpenAI's words."""
        if wire == self.wire:
            return self
        path, base_url = self.also.get(wire, WIRES[wire].chat_path), self.base_url
        if "://" in path:
            scheme, _, rest = path.partition("://")
            host, _, path = rest.partition("/")
            base_url, path = f"{scheme}://{host}", f"/{path}"
        return msgspec.structs.replace(
            self,
            wire=wire,
            base_url=base_url,
            chat_path=path,
            also={},
            drops=self.drops if wire == RESPONSES else frozenset(),
            renames=WIRES[wire].renames,
            patches=(),
            rewrites=(),
        )

    def for_model(self, model: str) -> Provider:
        """The row as it is for one model. The model's patches come before the provider's, which may strip fields."""
        name = model.rpartition("/")[2]
        rules = [rule for rule in self.models if rule.names.match(name)]
        if not rules:
            return self
        prefers, renames, also = dict(self.prefers), dict(self.renames), dict(self.also)
        for rule in rules:
            prefers.update(rule.prefers)
            renames.update(rule.renames)
            also.update(rule.also)
        return msgspec.structs.replace(
            self,
            drops=self.drops.union(*(rule.drops for rule in rules)),
            renames=renames,
            lacks=self.lacks.union(*(rule.lacks for rule in rules)),
            prefers=prefers,
            also=also,
            patches=(*(patch for rule in rules for patch in rule.patches), *self.patches),
            rewrites=(*(rewrite for rule in rules for rewrite in rule.rewrites), *self.rewrites),
        )


def row_from_config(values: Mapping[str, Json]) -> Provider:
    """A row from the operator's file: `name`, `wire` and `base_url` are needed; `auth` is `bearer`, `none`, or
    `{header: NAME}`; without `needs_key` a key is optional unless `api_key_env` names where one is. Raises
    ConfigError."""
    name = values.get("name")
    if not isinstance(name, str) or not name:
        raise ConfigError("A provider needs a `name`.")
    where = f"providers: {name}"
    unknown = sorted(set(values) - _CONFIG_FIELDS)
    if unknown:
        raise ConfigError(f"{where}: unknown key `{unknown[0]}`; known are {', '.join(sorted(_CONFIG_FIELDS))}.")
    wire = values.get("wire", "openai_chat")
    if wire not in WIRES:
        raise ConfigError(f"{where}: `wire` is {wire!r}; it can be {' or '.join(WIRES)}.")
    base_url = values.get("base_url")
    if not isinstance(base_url, str) or not base_url.startswith(("http://", "https://")):
        raise ConfigError(f"{where}: `base_url` must be a URL that starts with http:// or https://.")
    lacks = frozenset(_names(values, "lacks", where))
    if not lacks <= FEATURES:
        raise ConfigError(
            f"{where}: `lacks` knows no {min(lacks - FEATURES)!r}; it knows {', '.join(sorted(FEATURES))}."
        )
    api_key = values.get("api_key")
    key_env = tuple(_names(values, "api_key_env", where))
    return Provider(
        name=name,
        wire=wire,
        base_url=base_url,
        base_env=tuple(_names(values, "base_url_env", where)),
        key_env=key_env,
        needs_key=bool(values.get("needs_key", bool(key_env))),
        auth=_auth(values.get("auth"), where),
        api_key=Secret(api_key) if isinstance(api_key, str) and api_key else api_key or None,
        headers=_headers(values, where),
        drops=frozenset(_names(values, "drops", where)),
        renames={**WIRES[wire].renames, **_pairs(values, "renames", where)},
        lacks=lacks,
        prefers=_prefers(values, where),
        chat_path=_chat_path(values.get("chat_path") or "", where),
        also=_also(values, wire, where),
        source=str(values.get("source") or where),
        checked=str(values.get("checked") or ""),
    )


_CONFIG_FIELDS = frozenset(
    {"name", "wire", "base_url", "base_url_env", "api_key", "api_key_env", "auth", "headers", "drops", "lacks"}
    | {"renames", "prefers", "chat_path", "also", "needs_key", "source", "checked"}
)


_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _auth(value: Json, where: str) -> Auth | None:
    match value:
        case None:
            return None
        case "bearer":
            return Bearer()
        case "none" | False:
            return NoAuth()
        case {"header": str(header)} if len(value) == 1 and _HEADER_NAME.fullmatch(header):
            return HeaderKey(header.lower())
    raise ConfigError(f"{where}: `auth` must be `bearer`, `none`, or `{{header: NAME}}`.")


def _headers(values: Mapping[str, Json], where: str) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(values, "headers", where)
    for name, value in pairs.items():
        if not _HEADER_NAME.fullmatch(name) or not (value.isascii() and value.isprintable()):
            raise ConfigError(f"{where}: the header {name!r} holds characters that a header cannot carry.")
    return tuple((name.lower(), value) for name, value in pairs.items())


def _also(values: Mapping[str, Json], wire: str, where: str) -> dict[str, str]:
    also = _pairs(values, "also", where)
    for other, path in also.items():
        if other not in WIRES or other == wire:
            others = " or ".join(known for known in WIRES if known != wire)
            raise ConfigError(f"{where}: `also` knows no format {other!r}; it can be {others}.")
        if not path.startswith(("http://", "https://")):
            _chat_path(path, where, "also")
    return also


def _chat_path(value: Json, where: str, field: str = "chat_path") -> str:
    if isinstance(value, str) and (not value or value.startswith("/")):
        return value
    raise ConfigError(f"{where}: `{field}` must start with a slash.")


def _prefers(values: Mapping[str, Json], where: str) -> dict[str, str]:
    prefers = _pairs(values, "prefers", where)
    style = prefers.get("reasoning", PLAIN)
    if style not in STYLES:
        raise ConfigError(f"{where}: `prefers` knows no way to think {style!r}; it can be {', '.join(STYLES)}.")
    return prefers


def _names(values: Mapping[str, Json], field: str, where: str) -> list[str]:
    match values.get(field):
        case None:
            return []
        case str(one):
            return [one]
        case list() | tuple() as several if all(isinstance(item, str) for item in several):
            return list(several)
    raise ConfigError(f"{where}: `{field}` must be a list of names.")


def _pairs(values: Mapping[str, Json], field: str, where: str) -> dict[str, str]:
    match values.get(field):
        case None:
            return {}
        case Mapping() as pairs if all(isinstance(item, str) for item in (*pairs, *pairs.values())):
            return dict(pairs)
    raise ConfigError(f"{where}: `{field}` must be a table of texts.")
