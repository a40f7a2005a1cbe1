"""Models that a request names beside the one that it asks for: its provider asks them, on the same account.

    tools      Anthropic's advisor (`type: advisor_20260301`, `model`), OpenRouter's server tools (`openrouter:advisor`,
               `parameters.model`), OpenAI's `image_generation`, Vertex's `llmRanker`
    models     who answers where the first fails: OpenRouter, Perplexity, Vercel; `fallbacks` is Anthropic's for that
    plugins    OpenRouter's: a panel and its judge, what its router may take

and the like (`FIELDS`). They are found by their names: any member that is called a model, wherever it stands in such a
field, but for what a client says of its own functions. A tool that asks other models and leaves one of them to
its provider, and fallbacks that the provider chooses (`"default"`), are `WHATEVER`.

A key with a list may name what it may ask for: what its list says, `provider/model`, or what a deployment of a group
that it may ask for is called, where that is at the provider which is asked. (A name of the gateway may mean something
else there.) A hosted tool that has a model of its own by its provider's choice alone (`image_generation` without
`model`, web search) is a part of the model that is asked for.

Sources, seen 2026-11-27: https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool and
/build-with-claude/refusals-and-fallback, https://openrouter.ai/docs/guides/features/server-tools/advisor and
/guides/routing/model-fallbacks, https://docs.perplexity.ai/docs/agent-api/model-fallback,
https://vercel.com/docs/ai-gateway/models-and-providers/model-fallbacks.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from tollbridge.calls.ask import decode
from tollbridge.calls.deployment import Deployment
from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject, too_deep
from tollbridge.policy.access import Access
from tollbridge.routing.groups import Groups

Fields = Mapping[str, msgspec.Raw]

WHATEVER = "*"
_INSTEAD = frozenset(
    {
        *("models", "fallback_models", "fallback_model", "fallbacks", "preset"),
        *("providerOptions", "provider_options", "generationConfig", "generation_config"),
    }
)
"""Who is named there answers in the place of another."""
_BESIDE = frozenset({"tools", "plugins", "compound_custom", "data_sources", "draft_model"})
"""Who is named there is asked for its part of an answer."""
FIELDS = _INSTEAD | _BESIDE
_BY_VALUE = frozenset({"models", "fallback_models", "fallback_model", "fallbacks", "draft_model"})
"""Their texts are names."""
_MARKS = (b"odel", b"openrouter:", b'"fusion"', b"deployment", b"\\u00")
"""Where none of these stands nobody is named. (Names may be spelled as escapes.)"""
_ENDS = ("model", "models", "modelname", "modelid", "deploymentname")
_CHOOSES = frozenset({"openrouter:advisor", "openrouter:fusion", "openrouter:subagent"})
_PLUGINS = frozenset({"fusion"})
_FUSION = frozenset({"openrouter:fusion", "fusion"})
_OWN = frozenset({"function", "custom"})
_OWN_WORDS = frozenset(
    {
        *("input_schema", "inputSchema", "functionDeclarations", "function_declarations", "headers"),
        *("responseSchema", "response_schema", "responseJsonSchema", "response_json_schema"),
    }
)
_SESSIONS_OWN = frozenset({"model", "prompt", "tracing"})
"""Of a realtime session: its own model, and a client's words (a stored prompt's variables, what a trace is called)."""
STEP_MAX = 100
"""Characters of a member's name in a JSON path."""
NAMED_MAX = 100
"""Who may ask for each of them is looked up, and what each would cost at most."""


class Named(NamedTuple):
    """`where`: its JSON path. `beside`: it is paid for besides the model that answers, and not in its place."""

    where: str
    model: str
    beside: bool


def named(fields: Fields) -> tuple[Named, ...]:
    """Each once, where it stands first. Raises BadRequestError where a field cannot be read, or names too many."""
    if FIELDS.isdisjoint(fields):
        return ()
    search = _Search()
    for name in fields:
        if name not in FIELDS:
            continue
        raw = bytes(fields[name])
        if name not in _BY_VALUE and name != "preset" and not any(mark in raw for mark in _MARKS):
            continue
        value, is_name = decode(raw), name in _BY_VALUE
        if name == "preset":
            value, is_name = (f"@preset/{value}", True) if isinstance(value, str) else (None, False)
        elif name == "fallbacks" and value == "default":
            value = WHATEVER
        search.field(name, value, is_name, name in _BESIDE)
    return tuple(search.found.values())


class _Search:
    """`found`: each once. Paths are made of the client's own words, and so only where they are told."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, bool], Named] = {}
        self._path: list[str | int] = []
        self._beside = False

    def field(self, name: str, value: Json, is_name: bool, beside: bool) -> None:
        self._path, self._beside = [name], beside
        if too_deep(value):
            self._add(WHATEVER)  # nobody looks through it
        else:
            self._within(value, is_name)

    def _within(self, value: Json, is_name: bool) -> bool:
        """Whether anybody is named."""
        if isinstance(value, str):
            if is_name and value:
                self._add(value)
            return is_name and bool(value)
        anybody, path = False, self._path
        if isinstance(value, list):
            for at, item in enumerate(value):
                path.append(at)
                anybody |= self._within(item, is_name)
                path.pop()
        elif isinstance(value, dict) and not _is_own(value):
            for name, said in value.items():
                if name in _OWN_WORDS or (name == "parameters" and "type" not in value):
                    continue
                path.append(name)
                anybody |= self._within(said, _names_a_model(name))
                path.pop()
            if _chooses(value) and not (anybody and _says_all(value)):
                self._add(WHATEVER)
                anybody = True
        return anybody

    def _add(self, model: str) -> None:
        if (model, self._beside) in self.found:
            return
        where = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step[:STEP_MAX]}" for step in self._path)
        if len(self.found) == NAMED_MAX:
            raise BadRequestError(
                f"The request names more than {NAMED_MAX} models beside its own - at `{where}`. Name fewer.",
                param=where,
            )
        self.found[model, self._beside] = Named(where, model, self._beside)


def _is_own(value: JsonObject) -> bool:
    """A function of the client's, whatever it calls its arguments. (Anthropic's have no `type`, or `custom`.)"""
    kind = value.get("type")
    if kind is None:
        return "input_schema" in value
    return isinstance(kind, str) and kind in _OWN


def _names_a_model(name: str) -> bool:
    return name.replace("_", "").lower().endswith(_ENDS)


def _chooses(tool: JsonObject) -> bool:
    if _text(tool, "type") in _CHOOSES:
        return True
    return _text(tool, "id") in _PLUGINS and tool.get("enabled") is not False


def _says_all(tool: JsonObject) -> bool:
    """Of a panel both who is in it and who judges: the provider chooses what is left out."""
    if _FUSION.isdisjoint((_text(tool, "type"), _text(tool, "id"))):
        return True
    inner = tool.get("parameters")
    said = inner if isinstance(inner, dict) else tool
    return bool(said.get("model") and said.get("analysis_models"))


def _text(value: JsonObject, name: str) -> str:
    """ "" where it is no text: then it is nothing that a provider knows."""
    said = value.get(name)
    return said if isinstance(said, str) else ""


def check_named(access: Access, groups: Groups[Deployment], fields: Fields, asked: Iterable[Deployment]) -> None:
    """`asked`: who answers. Raises PermissionDeniedError where somebody is named whom the key may not ask for."""
    if not access.every:
        _check(access, groups, named(fields), asked)


def check_session(access: Access, groups: Groups[Deployment], session: JsonObject, asked: Deployment) -> None:
    """The same of a realtime session, which names who writes down what it hears."""
    if not access.every:
        search = _Search()
        search.field("session", {name: session[name] for name in session if name not in _SESSIONS_OWN}, False, True)
        _check(access, groups, tuple(search.found.values()), (asked,))


def _check(access: Access, groups: Groups[Deployment], found: Sequence[Named], asked: Iterable[Deployment]) -> None:
    if not found:
        return
    members = tuple(asked)
    providers = tuple(dict.fromkeys(member.provider for member in members))
    at_hand: Container[str] | None = None
    for one in found:
        if not _lists(access, one.model, providers):
            if at_hand is None:
                at_hand = _at_hand(access, groups, members, providers)
            if one.model in at_hand or _made(access, groups, one.model, providers):
                continue
            model = "a model that the provider chooses" if one.model == WHATEVER else one.model
            raise access.refusal(model, one.where)


def _lists(access: Access, model: str, providers: Sequence[str]) -> bool:
    if model == WHATEVER:
        return bool(providers) and all(access.lists(f"{provider}/*") for provider in providers)
    return any(access.lists(name) for name in _names(model, providers))


def _names(model: str, providers: Sequence[str]) -> Iterator[str]:
    yield model
    for provider in providers:
        yield f"{provider}/{model}"


def _at_hand(
    access: Access, groups: Groups[Deployment], members: Sequence[Deployment], providers: Sequence[str]
) -> frozenset[str]:
    """What the deployments that the key may ask for are called where they are asked."""
    reached = [group for group in groups.reached() if access.reaches(group)]
    reached += [groups.resolve(name) for name in access.models if groups.entry(name) and groups.knows(name)]
    every = (*members, *(member for group in reached for member in group.members))
    return frozenset(one.model for one in every if one.provider in providers)


def _made(access: Access, groups: Groups[Deployment], model: str, providers: Sequence[str]) -> bool:
    """A wildcard that the key may ask for makes it."""
    made = [groups.resolve(name) for name in _names(model, providers) if model != WHATEVER and groups.knows(name)]
    members = (member for group in made if access.reaches(group) for member in group.members)
    return any(one.model == model and one.provider in providers for one in members)
