"""LiteLLM's functions: Tollbridge's, with the settings of the module, its callbacks, budget and custom providers.

Each is made of ours by one wrapper for sync and one for async; the signature is ours, which is LiteLLM's. What the
settings say is put beneath what the call says (`settings.py`), the call is told to callbacks (`callbacks.py`), and what
it cost is added to `_current_cost`, against `max_budget`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import tollbridge
from tollbridge.compat.litellm import custom_llm
from tollbridge.compat.litellm.absent import not_built
from tollbridge.compat.litellm.callbacks import Event, located
from tollbridge.compat.litellm.rules import Rules
from tollbridge.compat.litellm.settings import CALLBACKS, Settings
from tollbridge.compat.litellm.streams import Asked, CustomStreamWrapper
from tollbridge.compat.litellm.turns import Turns, aask, ask, turns_of
from tollbridge.compat.litellm.types import BudgetExceededError
from tollbridge.sdk.events import AsyncEvents, Events
from tollbridge.sdk.streams import AsyncStream, Stream

FILES = "files"
OF_MODELS = ("fallbacks", "context_window_fallback_dict")
"""Settings that mean nothing to a call for a file."""
STREAMS = (AsyncStream, Stream, AsyncEvents, Events, custom_llm.Chunks, custom_llm.AsyncChunks)


def settings() -> Settings:
    found: Settings = sys.modules["litellm"].__dict__["_settings"]
    return found


class Prepared:
    """One call, with what the settings say. Raises NotBuilt, or BudgetExceededError where the budget is used up."""

    def __init__(
        self,
        function: Callable[..., Any],
        call_type: str,
        positional: tuple[Any, ...],
        named: Mapping[str, Any],
        *,
        reads_settings: bool,
        keeps: bool = False,
    ) -> None:
        """`reads_settings`: False of a call whose deployments say all that a setting might. `keeps`: of files and
        batches, which are of no model: where none is said they have one in name, for settings and events alone."""
        self._settings = own = settings()
        self._call_type = call_type
        own.check()
        limit, spent = own.get("max_budget"), own.get("_current_cost")
        if limit and spent >= limit:
            told = f"`litellm.max_budget` is {limit}, and {spent} dollars were spent."
            raise BudgetExceededError(spent, limit, told)
        said = _bound(function, positional, named)
        heard_by = {name: said.pop(name) for name in CALLBACKS if name in said}
        model = said.pop("model", None)
        self._in_name = keeps and model is None
        if self._in_name:
            model = f"{said.get('custom_llm_provider') or 'openai'}/{FILES}"
        self._placed = reads_settings
        applies = reads_settings and isinstance(model, str)
        self.model: str = own.model(model) if applies else model
        self.said = own.applied(self.model, said) if applies else said
        if keeps:
            self.said = {name: value for name, value in self.said.items() if name in said or name not in OF_MODELS}
        self.event = Event(own, call_type, self.model, self.said, heard_by, placed=reads_settings)
        self.rules = Rules(own, call_type, bool(self.said.get("stream")))
        self.rules.check_said(self.said)

    @property
    def told(self) -> dict[str, Any]:
        """What the function is called with."""
        return self.said if self._in_name else {"model": self.model, **self.said}

    def asks(self, custom: Callable[..., Any] | None) -> Callable[..., Any]:
        """How a custom provider's handler is. Raises NotBuilt where it cannot be."""
        if custom is None:
            raise not_built(
                f"{self._call_type} of a CustomLLM",
                "Its handler is asked by `completion`, `embedding`, `image_generation` and `image_edit`.",
            )
        return custom

    @property
    def turns(self) -> Turns | None:
        """Where a custom provider's handler may be asked."""
        if not self._placed or not isinstance(self.model, str):
            return None
        return turns_of(self._settings.get("custom_provider_map"), self.model, self.said)

    def wrapped(self, stream: Any) -> CustomStreamWrapper:
        messages = None if isinstance(stream, AsyncEvents | Events) else self.said.get("messages")
        asked = Asked(*located(self._settings, self.model, self.said), messages)
        return CustomStreamWrapper(stream, self.event, self.spent, asked)

    def spent(self, response: Any) -> None:
        hidden = getattr(response, "_hidden_params", None) or {}
        self._settings.set("_current_cost", self._settings.get("_current_cost") + (hidden.get("response_cost") or 0.0))


def waited(
    function: Callable[..., Any],
    call_type: str,
    custom: Callable[..., Any] | None = None,
    *,
    reads_settings: bool = True,
    keeps: bool = False,
) -> Callable[..., Any]:
    """`custom`: asks the handler of a custom provider instead."""

    @functools.wraps(function)
    def call(*positional: Any, **named: Any) -> Any:
        prepared = Prepared(function, call_type, positional, named, reads_settings=reads_settings, keeps=keeps)
        prepared.event.begin()
        try:
            turns = prepared.turns
            if turns is not None:
                response = ask(turns, prepared.asks(custom), function)
            else:
                response = function(**prepared.told)
            prepared.rules.check_answered(response)
        except Exception as error:
            prepared.event.fail(error)
            raise
        if isinstance(response, STREAMS):
            return prepared.wrapped(response)
        prepared.spent(response)
        prepared.event.succeed(response)
        return response

    return call


def awaited(
    function: Callable[..., Awaitable[Any]],
    call_type: str,
    custom: Callable[..., Awaitable[Any]] | None = None,
    *,
    reads_settings: bool = True,
    keeps: bool = False,
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(function)
    async def call(*positional: Any, **named: Any) -> Any:
        prepared = Prepared(function, call_type, positional, named, reads_settings=reads_settings, keeps=keeps)
        await prepared.event.abegin()
        try:
            turns = prepared.turns
            if turns is not None:
                response = await aask(turns, prepared.asks(custom), function)
            else:
                response = await function(**prepared.told)
            prepared.rules.check_answered(response)
        except Exception as error:
            await prepared.event.afail(error)
            raise
        if isinstance(response, STREAMS):
            return prepared.wrapped(response)
        prepared.spent(response)
        await prepared.event.asucceed(response)
        return response

    return call


def _bound(function: Callable[..., Any], positional: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """The call's arguments by name. Raises TypeError, as the call itself would."""
    names = _positions(function)
    if len(positional) > len(names):
        raise TypeError(f"{function.__name__} takes {len(names)} positional arguments, not {len(positional)}")
    said = dict(zip(names, positional, strict=False))
    twice = said.keys() & named.keys()
    if twice:
        raise TypeError(f"{function.__name__} got {min(twice)!r} twice")
    return {**said, **named}


def _positions(function: Callable[..., Any]) -> tuple[str, ...]:
    method = getattr(function, "__func__", None)
    return _names(function) if method is None else _names(method)[1:]


@functools.cache
def _names(function: Callable[..., Any]) -> tuple[str, ...]:
    """What may be given by position."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(name for name, one in inspect.signature(function).parameters.items() if one.kind in kinds)


completion = waited(tollbridge.completion, "completion", custom_llm.completion)
acompletion = awaited(tollbridge.acompletion, "acompletion", custom_llm.acompletion)
RETRIES = 3
"""LiteLLM's default of the two below."""


def completion_with_retries(*positional: Any, **named: Any) -> Any:
    return completion(*positional, **{**named, "num_retries": retries_of(named)})


async def acompletion_with_retries(*positional: Any, **named: Any) -> Any:
    return await acompletion(*positional, **{**named, "num_retries": retries_of(named)})


def retries_of(named: Mapping[str, Any]) -> Any:
    """0 is no retry: one try."""
    said = named.get("num_retries")
    return RETRIES if said is None else said


embedding = waited(tollbridge.embedding, "embedding", custom_llm.embedding)
aembedding = awaited(tollbridge.aembedding, "aembedding", custom_llm.aembedding)
rerank = waited(tollbridge.rerank, "rerank")
arerank = awaited(tollbridge.arerank, "arerank")
moderation = waited(tollbridge.moderation, "moderation")
amoderation = awaited(tollbridge.amoderation, "amoderation")
image_generation = waited(tollbridge.image_generation, "image_generation", custom_llm.image_generation)
aimage_generation = awaited(tollbridge.aimage_generation, "aimage_generation", custom_llm.aimage_generation)
image_edit = waited(tollbridge.image_edit, "image_edit", custom_llm.image_edit)
aimage_edit = awaited(tollbridge.aimage_edit, "aimage_edit", custom_llm.aimage_edit)
transcription = waited(tollbridge.transcription, "transcription")
atranscription = awaited(tollbridge.atranscription, "atranscription")
speech = waited(tollbridge.speech, "speech")
aspeech = awaited(tollbridge.aspeech, "aspeech")
text_completion = waited(tollbridge.text_completion, "text_completion")
atext_completion = awaited(tollbridge.atext_completion, "atext_completion")
responses = waited(tollbridge.responses, "responses")
aresponses = awaited(tollbridge.aresponses, "aresponses")
generate_content = waited(tollbridge.generate_content, "generate_content")
agenerate_content = awaited(tollbridge.agenerate_content, "agenerate_content")
aanthropic_messages = awaited(tollbridge.aanthropic_messages, "anthropic_messages")
create_file = waited(tollbridge.create_file, "create_file", keeps=True)
acreate_file = awaited(tollbridge.acreate_file, "acreate_file", keeps=True)
file_retrieve = waited(tollbridge.file_retrieve, "file_retrieve", keeps=True)
afile_retrieve = awaited(tollbridge.afile_retrieve, "afile_retrieve", keeps=True)
file_delete = waited(tollbridge.file_delete, "file_delete", keeps=True)
afile_delete = awaited(tollbridge.afile_delete, "afile_delete", keeps=True)
file_list = waited(tollbridge.file_list, "file_list", keeps=True)
afile_list = awaited(tollbridge.afile_list, "afile_list", keeps=True)
file_content = waited(tollbridge.file_content, "file_content", keeps=True)
afile_content = awaited(tollbridge.afile_content, "afile_content", keeps=True)
create_batch = waited(tollbridge.create_batch, "create_batch", keeps=True)
acreate_batch = awaited(tollbridge.acreate_batch, "acreate_batch", keeps=True)
retrieve_batch = waited(tollbridge.retrieve_batch, "retrieve_batch", keeps=True)
aretrieve_batch = awaited(tollbridge.aretrieve_batch, "aretrieve_batch", keeps=True)
list_batches = waited(tollbridge.list_batches, "list_batches", keeps=True)
alist_batches = awaited(tollbridge.alist_batches, "alist_batches", keeps=True)
cancel_batch = waited(tollbridge.cancel_batch, "cancel_batch", keeps=True)
acancel_batch = awaited(tollbridge.acancel_batch, "acancel_batch", keeps=True)
get_responses = waited(tollbridge.get_responses, "get_responses", keeps=True)
aget_responses = awaited(tollbridge.aget_responses, "aget_responses", keeps=True)
delete_responses = waited(tollbridge.delete_responses, "delete_responses", keeps=True)
adelete_responses = awaited(tollbridge.adelete_responses, "adelete_responses", keeps=True)
cancel_responses = waited(tollbridge.cancel_responses, "cancel_responses", keeps=True)
acancel_responses = awaited(tollbridge.acancel_responses, "acancel_responses", keeps=True)
list_input_items = waited(tollbridge.list_input_items, "list_input_items", keeps=True)
alist_input_items = awaited(tollbridge.alist_input_items, "alist_input_items", keeps=True)
