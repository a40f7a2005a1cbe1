"""`Router`: several deployments under one name, with retries, fallbacks and cooldowns. It is the server's own routing.

    router = Router(
        model_list=[{"model_name": "fast", "litellm_params": {"model": "openai/gpt-4.1-mini"}}, ...],
        fallbacks=[{"fast": ["careful"]}],
    )
    router.completion("fast", messages=[...])

1. What it is made of is read as a configuration file is: `model_list` and the keys of `router_settings`, each mistake
   named with its path. `os.environ/NAME` is a variable of the environment.
2. Who answers is said there. A call says what is asked and how long it may take; `api_key`, `api_base` and the like are
   refused in a call, so that no key goes to another deployment than its own.
3. Which deployments rest is remembered for as long as the router lives, whichever loops its calls run on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tollbridge.assemble.deployments import Maker
from tollbridge.assemble.routing import engine_of
from tollbridge.calls.ask import Ask, KeptBy, field
from tollbridge.config.load import load_value
from tollbridge.config.settings import ModelEntry
from tollbridge.errors import BadRequestError, ConfigError, NotBuilt, ServiceUnavailableError
from tollbridge.model.json import JsonObject
from tollbridge.providers.azure_token import TOKEN_PROVIDER
from tollbridge.providers.table import ROWS
from tollbridge.routing.engine import Engine, Trace
from tollbridge.routing.groups import NONE_ENABLED
from tollbridge.sdk.answers import shown
from tollbridge.sdk.body import plain
from tollbridge.sdk.call import Call, read_call
from tollbridge.sdk.desk import DESKS
from tollbridge.sdk.dialects import read_responses, whole_event
from tollbridge.sdk.embedding import Input, embedded, read_embedding
from tollbridge.sdk.engine import Found, answer, ask_of, dialogue, how_of, task
from tollbridge.sdk.events import AsyncEvents, Events
from tollbridge.sdk.kept_objects import InputItems, ResponseDeleted
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.objects import EmbeddingResponse, ModelResponse
from tollbridge.sdk.order import is_mocked, seconds_of
from tollbridge.sdk.parameters import FOR_PROVIDERS, MOCKS, WHO
from tollbridge.sdk.race import first_of
from tollbridge.sdk.response_calls import acancel_responses, adelete_responses, aget_responses, alist_input_items
from tollbridge.sdk.response_ids import kept_by, read_id
from tollbridge.sdk.streams import AsyncStream, Stream
from tollbridge.sdk.task_objects import Event
from tollbridge.sdk.value import Value
from tollbridge.secret import Secret
from tollbridge.transport.base import Incoming, Outgoing, Timeouts
from tollbridge.transport.inprocess import ByHost

STEERS = frozenset({*WHO, "additional_drop_params", "allowed_openai_params", "modify_params"})
NOT_BUILT = "is not built yet"
NAMES = "`fallbacks` of a call are names of the list:"


class Router:
    """`settings`: keys of `router_settings`. Raises ConfigError for what is wrong, NotBuilt for a strategy or a setting
    that is not there yet. A deployment whose variable is not set does not serve; `problems` says why."""

    def __init__(self, model_list: Iterable[Mapping[str, Any]] = (), **settings: Any) -> None:
        self._said = {name: _policy(value) for name, value in settings.items() if value is not None}
        self._transport = ByHost({}, Here())
        self._engine, self._entries, self.model_list, self.problems = self._made(model_list or ())

    def _made(
        self, model_list: Iterable[Mapping[str, Any]]
    ) -> tuple[Engine, Sequence[tuple[int, ModelEntry]], list[dict[str, Any]], Sequence[str]]:
        """What a list makes. Raises before anything of the router changes."""
        listed = [dict(entry) for entry in model_list]
        _check_writable(listed)
        value: JsonObject = plain({"model_list": listed, "router_settings": self._said})
        loaded = load_value(value, os.environ, "Router")
        absent = [one for one in loaded.findings if one.path.startswith("router_settings") and NOT_BUILT in one.message]
        if absent:
            raise NotBuilt(f"{absent[0].path.removeprefix('router_settings.')}: {absent[0].message}")
        if loaded.config is None:
            told = [f"{one.path}: {one.message}" for one in loaded.findings if one.severity == "error"]
            raise ConfigError("; ".join(told))
        maker = Maker(loaded.config, loaded.environ, ROWS, self._transport)
        engine = engine_of(loaded.config, maker.groups(), self._transport)
        problems = tuple(f"{entry.model_name}: {why}" for entry, why in maker.problems)
        indices = [index for index, entry in enumerate(listed) for _ in range(_deployments(entry))]
        return engine, list(zip(indices, loaded.config.models, strict=True)), listed, problems

    # the list

    def set_model_list(self, model_list: Iterable[Mapping[str, Any]]) -> None:
        """Another list from the next call on; what is under way ends as it began. Who rests is forgotten. Raises
        ConfigError, and then nothing has changed."""
        self._engine, self._entries, self.model_list, self.problems = self._made(model_list)

    def add_deployment(self, deployment: Mapping[str, Any]) -> None:
        """One more entry of the list."""
        self.set_model_list([*self.model_list, deployment])

    def delete_deployment(self, id: str) -> Mapping[str, Any] | None:
        """Takes the entry of that id away, and returns it; None where there is none."""
        index = self._index(id)
        if index is None:
            return None
        gone = self.model_list[index]
        self.set_model_list([*self.model_list[:index], *self.model_list[index + 1 :]])
        return gone

    def get_deployment(self, model_id: str) -> Value | None:
        """The entry of that id, whose fields are attributes too."""
        index = self._index(model_id)
        return None if index is None else Value(self.model_list[index])

    def get_model_list(self, model_name: str | None = None) -> list[dict[str, Any]]:
        """The entries, or those of a name; each with its `model_info.id`."""
        found = []
        for index, entry in self._entries:
            if model_name in (None, entry.model_name):
                said = self.model_list[index]
                found.append({**said, "model_info": {**(said.get("model_info") or {}), "id": entry.id}})
        return found

    def get_model_ids(self, model_name: str | None = None) -> list[str]:
        return [entry.id for _, entry in self._entries if model_name in (None, entry.model_name)]

    def _index(self, id: str) -> int | None:
        return next((index for index, entry in self._entries if entry.id == id), None)

    def get_model_names(self) -> list[str]:
        """What may be asked for, aliases among them."""
        return self._engine.routes.groups.listed()

    @property
    def model_names(self) -> list[str]:
        return self.get_model_names()

    def cooling(self) -> Mapping[str, float]:
        """Deployments that rest, with the seconds that they still will."""
        routes = self._engine.routes
        return routes.health.resting(routes.now())

    async def acompletion(
        self, model: str, messages: Iterable[Any], *, stream: bool | None = None, **parameters: Any
    ) -> ModelResponse | AsyncStream:
        """`model`: a name of the list, or an alias. `parameters`: those of `tollbridge.completion` that do not say who
        answers; `fallbacks` are names of the list. Raises as `tollbridge.acompletion`."""
        return await self._asked(model, messages, stream, parameters)

    def completion(
        self, model: str, messages: Iterable[Any], *, stream: bool | None = None, **parameters: Any
    ) -> ModelResponse | Stream:
        """`acompletion` for a program without async, also inside a running loop (a notebook)."""
        answered = BACKGROUND.run(self._asked(model, messages, stream, parameters))
        return Stream(answered, BACKGROUND) if isinstance(answered, AsyncStream) else answered

    async def aembedding(self, model: str, input: Input, **parameters: Any) -> EmbeddingResponse:
        return await self._embedded(model, input, parameters)

    async def _embedded(self, model: str, input: Input, parameters: Mapping[str, Any]) -> EmbeddingResponse:
        steps = _steps(parameters)
        call = read_embedding(model, input, _body_of(parameters))
        return await task(call, embedded, lambda call: self._result(call, steps))

    def embedding(self, model: str, input: Input, **parameters: Any) -> EmbeddingResponse:
        return BACKGROUND.run(self._embedded(model, input, parameters))

    async def aresponses(
        self, model: str, input: object, *, stream: bool | None = None, **parameters: Any
    ) -> Event | AsyncEvents[Event]:
        """As `tollbridge.aresponses`, of a name of the list. An answer that its provider keeps has an id that says
        which deployment did: `previous_response_id` goes there, and `aget_responses` and its like ask it."""
        return await self._responded(model, input, stream, parameters)

    def responses(
        self, model: str, input: object, *, stream: bool | None = None, **parameters: Any
    ) -> Event | Events[Event]:
        """`aresponses` for a program without async, also inside a running loop (a notebook)."""
        answered = BACKGROUND.run(self._responded(model, input, stream, parameters))
        return Events(answered, BACKGROUND) if isinstance(answered, AsyncEvents) else answered

    async def aget_responses(self, response_id: str, **parameters: Any) -> Event:
        """Of whom the id says it; else as `tollbridge.aget_responses`."""
        return await aget_responses(response_id, **self._keeper(response_id, parameters))

    async def adelete_responses(self, response_id: str, **parameters: Any) -> ResponseDeleted:
        return await adelete_responses(response_id, **self._keeper(response_id, parameters))

    async def acancel_responses(self, response_id: str, **parameters: Any) -> Event:
        return await acancel_responses(response_id, **self._keeper(response_id, parameters))

    async def alist_input_items(self, response_id: str, **parameters: Any) -> InputItems:
        return await alist_input_items(response_id, **self._keeper(response_id, parameters))

    async def _responded(
        self, model: str, input: object, stream: bool | None, parameters: Mapping[str, Any]
    ) -> Event | AsyncEvents[Event]:
        steps = _steps(parameters)
        call = read_responses(model, input, stream, _body_of(parameters))
        return await dialogue(call, Event, whole_event, lambda call: self._result(call, steps), kept_by)

    def _keeper(self, response_id: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters that say whom to ask, where the id says which entry of the list it is of."""
        said = read_id(response_id).deployment if isinstance(response_id, str) else ""
        entry = next((entry for _, entry in self._entries if entry.id == said), None)
        return parameters if entry is None else {**_whereabouts(entry), **parameters}

    async def abatch_completion(self, models: Sequence[str], messages: Sequence[Any], **parameters: Any) -> list[Any]:
        """Each of the names is asked at once: for one list of messages, an answer or an exception of each, in their
        order; for several lists, such a list for each."""
        if messages and isinstance(messages[0], list):
            return [await self.abatch_completion(models, one, **parameters) for one in messages]
        asked = (self.acompletion(name, messages, **parameters) for name in models)
        return await asyncio.gather(*asked, return_exceptions=True)

    async def abatch_completion_fastest_response(
        self, model: str | Sequence[str], messages: Sequence[Any], stream: bool | None = None, **parameters: Any
    ) -> ModelResponse | AsyncStream:
        """`model`: names of the list, or a text with commas between them. The answer of the first that gives one; the
        others are cancelled. Where all fail, raises what the first does."""
        said = model.split(",") if isinstance(model, str) else model
        if not isinstance(said, list | tuple) or not all(isinstance(name, str) for name in said):
            raise BadRequestError("`model` must be names: a list, or a text with commas between them.", param="model")
        names = [name.strip() for name in said if name.strip()]
        if not names:
            raise BadRequestError("`model` names nobody.", param="model")
        first = await first_of([self.acompletion(name, messages, stream=stream, **parameters) for name in names])
        first._hidden_params["fastest_response_batch_completion"] = True
        return first

    async def abatch_completion_one_model_multiple_requests(
        self, model: str, messages: Sequence[Sequence[Any]], **parameters: Any
    ) -> list[Any]:
        """One answer, or one exception, for each list of messages, in their order."""
        asked = (self.acompletion(model, said, **parameters) for said in messages)
        return await asyncio.gather(*asked, return_exceptions=True)

    async def _asked(
        self, model: str, messages: Iterable[Any], stream: bool | None, parameters: Mapping[str, Any]
    ) -> ModelResponse | AsyncStream:
        if is_mocked(parameters):
            return await answer(read_call(self._stands_for(model), messages, stream, parameters))
        steps = _steps(parameters)
        messages, body = list(messages) if steps.instead else messages, _body_of(parameters)
        call = read_call(model, messages, stream, body)
        instead: dict[str, Call] = {}
        for name, said in steps.instead.items():
            if not self._engine.routes.groups.knows(name):
                raise BadRequestError(f"{NAMES} {name!r} is none.", param="fallbacks")
            other = {**body, **_body_of(said)}
            instead[name] = read_call(name, other.pop("messages", messages), stream, other)
        return await answer(call, lambda call: self._result(call, steps, instead))

    def _stands_for(self, model: str) -> str:
        """What a mock of the call stands for: the first deployment of the name."""
        members = self._engine.routes.groups.resolve(model).members
        return f"{members[0].provider}/{members[0].model}" if members else model

    async def _result(self, call: Call, steps: Steps, instead: Mapping[str, Call] | None = None) -> Found:
        ask = _ask(call, steps)
        _go_on(ask)
        ask.instead = {name: _ask(other, steps) for name, other in (instead or {}).items()}
        policy = self._engine.policy
        if call.retries is not None:
            policy = msgspec.structs.replace(policy, retries=call.retries, retries_of_deployment=False)
        trace = Trace([])
        try:
            result = await self._engine.run(ask, trace, how_of(ask), policy=policy, fallbacks=steps.fallbacks)
        except ServiceUnavailableError as error:
            if error.code != NONE_ENABLED:
                raise
            raise self._none_enabled(ask.model, error) from error
        return result, ask, {"attempts": len(trace.attempts), "caveats": shown(call.caveats)}

    def _none_enabled(self, name: str, error: ServiceUnavailableError) -> ServiceUnavailableError:
        """Whoever wrote the list is told what is missing: there is no log of a gateway to look into."""
        whys = dict.fromkeys(one.why.rstrip(".") for one in self._engine.routes.groups.idle(name))
        if not whys:
            return error
        return ServiceUnavailableError(
            f"None of the deployments of {name!r} is enabled: {'; '.join(whys)}.", code=NONE_ENABLED
        )


def _go_on(ask: Ask) -> None:
    """A response that goes on from another is asked of who keeps that."""
    previous = field(ask.fields, "previous_response_id")
    if not isinstance(previous, str):
        return
    told = read_id(previous)
    if told.deployment:
        ask.only = KeptBy(told.deployment)
    if told.id != previous:
        ask.replace(previous_response_id=msgspec.json.encode(told.id))


def _whereabouts(entry: ModelEntry) -> dict[str, Any]:
    said = {
        "model": entry.model,
        "api_key": entry.api_key,
        "api_base": entry.api_base,
        "api_version": entry.api_version,
        "organization": entry.organization,
        "custom_llm_provider": entry.custom_llm_provider,
        "extra_headers": dict(entry.extra_headers) or None,
        **entry.params,
    }
    shown = {name: value.reveal() if isinstance(value, Secret) else value for name, value in said.items()}
    return {name: value for name, value in shown.items() if value is not None}


def _deployments(entry: Mapping[str, Any]) -> int:
    """How many an entry is: one for each of its organizations."""
    organizations = (entry.get("litellm_params") or {}).get("organization")
    return len(organizations) or 1 if isinstance(organizations, list | tuple) else 1


def _check_writable(listed: Sequence[Mapping[str, Any]]) -> None:
    """A list is read as a file is, which holds no functions."""
    for index, entry in enumerate(listed):
        for name, value in (entry.get("litellm_params") or {}).items():
            if callable(value):
                where = f"model_list[{index}].litellm_params.{name}"
                raise ConfigError(f"{where}: a function cannot stand in a list of deployments.{_INSTEAD.get(name, '')}")


_INSTEAD = {
    TOKEN_PROVIDER: " Say who you are (`tenant_id`, `client_id` and `client_secret`, or `azure_credential`): "
    "the token is fetched, and renewed."
}


_OF_THE_CALL = frozenset({*MOCKS, "extra_headers", "fallbacks", "headers", "num_retries", "stream", "timeout"})


class Here:
    """`transport.base.Transport`: the connections of whichever loop a call runs on."""

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        return await (await DESKS.here()).transport.send(request, timeouts)

    async def close(self) -> None:
        """They are the loops' own."""


class Steps(msgspec.Struct, frozen=True):
    """How a call goes through the list. `fallbacks`: None for those of the router; `instead`: what some of them are
    asked."""

    fallbacks: tuple[str, ...] | None
    instead: Mapping[str, Mapping[str, Any]]
    timeout_s: float | None
    headers: tuple[tuple[str, str], ...]
    tags: tuple[str, ...] = ()


def _ask(call: Call, steps: Steps) -> Ask:
    order = call.orders[0]
    ask = ask_of(call, order)
    ask.headers, ask.timeout_s, ask.drop_params = steps.headers, steps.timeout_s, order.place.drop_params
    ask.tags = steps.tags
    return ask


def _steps(parameters: Mapping[str, Any]) -> Steps:
    fallbacks = () if parameters.get("disable_fallbacks") is True else parameters.get("fallbacks")
    listed: Sequence[Any] = fallbacks if isinstance(fallbacks, list | tuple) else () if fallbacks is None else (None,)
    names = tuple(one.get("model") if isinstance(one, Mapping) else one for one in listed)
    if not all(isinstance(name, str) for name in names):
        raise BadRequestError(f"{NAMES[:-1]}, or dictionaries with `model`.", param="fallbacks")
    instead = {one["model"]: {**one, "model": None} for one in listed if isinstance(one, Mapping)}
    for said in instead.values():
        for name in _OF_THE_CALL.intersection(said):
            raise BadRequestError(f"`{name}` is said of the call, not of a fallback.", param="fallbacks")
    headers = {**(parameters.get("headers") or {}), **(parameters.get("extra_headers") or {})}
    return Steps(
        None if fallbacks is None else tuple(str(name) for name in names),
        instead,
        seconds_of(parameters, "timeout"),
        tuple((str(name), str(value)) for name, value in headers.items()),
        tags_of(parameters),
    )


def tags_of(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """As a gateway's clients say them."""
    metadata = parameters.get("metadata")
    said = parameters.get("tags") or (metadata.get("tags") if isinstance(metadata, Mapping) else None) or ()
    if isinstance(said, str) or not isinstance(said, Sequence) or not all(isinstance(tag, str) for tag in said):
        raise BadRequestError("`tags` must be a list of texts.", param="tags")
    return tuple(said)


def _body_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What of a call's parameters is asked."""
    said = {name: value for name, value in parameters.items() if value is not None}
    for name in said:
        if name in STEERS or name.startswith(FOR_PROVIDERS):
            raise BadRequestError(
                f"`{name}` is said in the `litellm_params` of a deployment, not in a call.", param=name
            )
    taken = ("disable_fallbacks", "fallbacks", "timeout", "headers", "extra_headers", "extra_body")
    extra = said.get("extra_body") or {}
    if not isinstance(extra, Mapping):
        raise BadRequestError("`extra_body` must be a dictionary.", param="extra_body")
    return {**{name: value for name, value in said.items() if name not in taken}, **extra}


def _policy(value: Any) -> Any:
    """LiteLLM's `RetryPolicy` and the like, without what they do not say."""
    dump = getattr(value, "model_dump", None)
    return value if dump is None else {name: one for name, one in dump().items() if one is not None}
