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
    found = dict[tuple[str, bool], Named]()
    for name in fields:
        if name not in FIELDS:
            continue
        raw = bytes(fields[name])
        if name not in _BY_VALUE and name != "preset" and not any(mark in raw for mark in _MARKS):
            continue
        value = decode(raw)
        beside = name in _BESIDE
        if name == "preset":
            models: Iterable[tuple[str, str]] = [("$.preset", f"@preset/{value}")] if isinstance(value, str) else ()
        elif name == "fallbacks" and value == "default":
            models = [("$.fallbacks", WHATEVER)]
        elif too_deep(value):  # nobody looks through it
            models = [(f"$.{name}", WHATEVER)]
        else:
            models = _within(value, f"$.{name}", name in _BY_VALUE)
        _add(found, models, beside)
    return tuple(found.values())


def _add(found: dict[tuple[str, bool], Named], models: Iterable[tuple[str, str]], beside: bool) -> None:
    for where, model in models:
        if (model, beside) not in found:
            if len(found) == NAMED_MAX:
                raise BadRequestError(
                    f"The request names more than {NAMED_MAX} models beside its own - at `{where}`. Name fewer.",
                    param=where,
                )
            found[model, beside] = Named(where, model, beside)


def _within(value: Json, where: str, is_name: bool) -> Iterator[tuple[str, str]]:
    match value:
        case str() if is_name and value:
            yield where, value
        case list():
            for at, item in enumerate(value):
                yield from _within(item, f"{where}[{at}]", is_name)
        case dict() if _text(value, "type") not in _OWN:
            anybody = False
            for name, said in value.items():
                if name in _OWN_WORDS or (name == "parameters" and "type" not in value):
                    continue
                for one in _within(said, f"{where}.{name}", _names_a_model(name)):
                    anybody = True
                    yield one
            if _chooses(value) and not (anybody and _says_all(value)):
                yield where, WHATEVER
        case _:
            return


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
    """The same of a realtime session, which names who writes down what it hears. (`model` is its own, and a stored
    prompt's variables are a client's words.)"""
    if not access.every:
        said = {name: value for name, value in session.items() if name not in ("model", "prompt")}
        found = dict[tuple[str, bool], Named]()
        models = [("$.session", WHATEVER)] if too_deep(said) else _within(said, "$.session", False)
        _add(found, models, True)
        _check(access, groups, tuple(found.values()), (asked,))


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
