"""A provider as one row: where it is, how it is paid, and in what it differs from its wire.

`table.ROWS` holds ours; a user writes the same under `providers:` in the YAML (`own_row`). Nine providers in
ten speak a known wire and need no code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.providers.account import Account
from tollbridge.providers.auth import Auth, Bearer, HeaderKey, SigV4
from tollbridge.providers.rewrite import Rewrite
from tollbridge.providers.said import Said
from tollbridge.secret import Secret

Patch = Callable[[JsonObject], JsonObject]
"""A pure rewrite of the body that is about to be sent. It may return the body itself, and changes none that it is
given."""

Shape = Literal["plain", "azure", "azure_ai", "vertex", "bedrock"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model is at a provider that has URLs of its own. `model`: its name there. `path`, `stream_path`: request
    targets; a `stream_path` that is "" is the same. `body`: fields that say more of the place; they stand in each
    body, and the client's own do not count; `lends`: those that stand in a body which does not say them. `wire`: the
    format that is spoken there, where it is not the row's. `keeps`: fields that go there as they are, whoever asks,
    where the format has no word for them; `rewrites`: changes beside the row's."""

    model: str
    path: str
    stream_path: str = ""
    body: Mapping[str, Json] = {}
    lends: Mapping[str, Json] = {}
    wire: str = ""
    keeps: frozenset[str] = frozenset()
    rewrites: tuple[Rewrite, ...] = ()


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
    names in braces are filled from `holes`. `bare_path`: added to an `api_base` that has no path at all.
    `root_url`: where the rest of its API is, if that is no neighbour of `base_url`. `openai_at`:
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
    `wires.base.Target` lists them. `patches`: for what these cannot say, `also_patches` in the other formats;
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
    root_url: str = ""
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
    also_patches: Mapping[str, tuple[Patch, ...]] = {}
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
            also_patches={},
            drops=self.drops if wire == RESPONSES else frozenset(),
            renames=WIRES[wire].renames,
            patches=self.also_patches.get(wire, ()),
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
