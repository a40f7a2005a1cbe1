"""Who is told of a call: `litellm.callbacks`, `success_callback`, `failure_callback`, `input_callback`; and, after
these, whom the call itself names by these words.

1. Objects (`CustomLogger`) have methods by moment; functions get `(kwargs, response, start_time, end_time)`. Both may
   be async. A name of an integration (`"langfuse"`) raises NotBuilt before the call is made.
2. They are called in order, in the call's own task or thread, before it returns; of a stream at its end, with the whole
   answer. One that fails is told in the log, and loses neither the call nor the others.
3. `kwargs` has LiteLLM's fields, without any key; before the call also what will be sent (`sent.py`).
   `turn_off_message_logging` leaves out what was said.
"""

from __future__ import annotations

import inspect
import logging
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from tollbridge.compat.litellm import custom_llm
from tollbridge.compat.litellm.absent import not_built
from tollbridge.compat.litellm.payload import payload
from tollbridge.compat.litellm.sent import additional_args, address_of
from tollbridge.compat.litellm.settings import CALLBACKS, Settings
from tollbridge.errors import APIError, NotFoundError
from tollbridge.mcp.hooks import CustomLogger as McpLogger
from tollbridge.sdk import whose
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.parameters import FOR_PROVIDERS, OURS

log = logging.getLogger("tollbridge.compat")

REDACTED = "redacted-by-tollbridge"
UNCALLED = (
    *("async_pre_request_hook", "get_chat_completion_prompt", "async_get_chat_completion_prompt"),
    *("async_filter_deployments", "async_pre_routing_hook", "log_success_fallback_event", "log_failure_fallback_event"),
)
"""Hooks that LiteLLM's SDK calls and this one does not: a logger that has one would wait in vain."""


class CustomLogger(McpLogger):
    """What loggers derive from. All methods are called with keyword or positional arguments as LiteLLM calls them."""

    def log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
        """Before the call."""

    def log_post_api_call(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """After it, however it ended."""

    def log_stream_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Of each chunk."""

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Of an answer, a stream's at its end."""

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Of an error."""

    async def async_log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
        """Of async calls, after the one above."""

    async def async_log_stream_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """The same, of async calls."""

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """The same, of async calls."""

    async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """The same, of async calls."""


class Event:
    """One call, as callbacks are told of it. `silent`: nobody wants to be."""

    def __init__(
        self,
        settings: Settings,
        call_type: str,
        model: str,
        said: Mapping[str, Any],
        own: Mapping[str, Any] = {},
        *,
        placed: bool = True,
    ) -> None:
        """`own`: callbacks of this call alone. `placed`: the call itself says who is asked. Raises NotBuilt for one
        that would never be called."""
        self._settings = settings
        self._placed = placed
        named = {name: _listed(name, settings.get(name), own.get(name)) for name in CALLBACKS}
        self._loggers = [one for one in named["callbacks"] if not callable(one)]
        both = [one for one in named["callbacks"] if callable(one)]
        self._succeeded = [*both, *named["success_callback"]]
        self._failed = [*both, *named["failure_callback"]]
        self._input = named["input_callback"]
        for one in (*self._succeeded, *self._failed):
            if not callable(one) and one not in self._loggers:
                self._loggers.append(one)
        _check(self._loggers)
        self.silent = not (self._loggers or self._succeeded or self._failed or self._input)
        self._began = datetime.now()
        self._clock = time.monotonic()
        self._kwargs: dict[str, Any] = {} if self.silent else self._told_of(call_type, model, said)
        if self._hears_before:
            self._kwargs["additional_args"] = self._sent(call_type if placed else "", model, said)

    @property
    def hears_chunks(self) -> bool:
        return any(_overrides(one, "log_stream_event", "async_log_stream_event") for one in self._loggers)

    @property
    def _hears_before(self) -> bool:
        names = ("log_pre_api_call", "async_log_pre_api_call")
        return bool(self._input) or any(_overrides(one, *names) for one in self._loggers)

    def _sent(self, call_type: str, model: str, said: Mapping[str, Any]) -> dict[str, Any]:
        if self._settings.get("turn_off_message_logging"):
            return {}
        fields = ("messages", "input", "prompt")
        body = {name: value for name, value in said.items() if name in fields or _is_optional(name)}
        return additional_args(call_type, model, said, body)

    def _told_of(self, call_type: str, model: str, said: Mapping[str, Any]) -> dict[str, Any]:
        redacted = bool(self._settings.get("turn_off_message_logging"))
        messages = said.get("messages", said.get("input", said.get("prompt")))
        messages = [{"role": "user", "content": REDACTED}] if redacted else messages
        provider, name = located(self._settings, model, said) if self._placed else (None, model)
        group = {} if self._placed else {"model_group": model}
        return {
            "model": name,
            "custom_llm_provider": provider,
            "messages": messages,
            "input": messages,
            "call_type": call_type,
            "stream": bool(said.get("stream")),
            "user": said.get("user"),
            "litellm_call_id": str(said.get("litellm_call_id") or uuid4()),
            "optional_params": {name: value for name, value in said.items() if _is_optional(name)},
            "litellm_params": {
                "metadata": {**(said.get("metadata") or {}), **group},
                "api_base": address_of(said) or None,
                "custom_llm_provider": provider,
            },
            "additional_args": {},
            "start_time": self._began,
            "cache_hit": False,
        }

    # the moments, each as pairs of a callback and its arguments

    def _before(self, prefix: str) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        told = self._kwargs
        for one in self._loggers:
            for name in dict.fromkeys(("log_pre_api_call", f"{prefix}log_pre_api_call")):
                yield from _method(one, name, (told["model"], told["messages"], told))
        yield from ((one, (told,)) for one in self._input if callable(one))

    def _after(self, prefix: str, response: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        told = {**self._ended(response), "log_event_type": "successful_api_call"}
        told["standard_logging_object"] = payload(told, self._shown(response), None)
        yield from self._pairs(prefix, "success", self._succeeded, told, self._shown(response))

    def _broken(self, prefix: str, error: BaseException) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        trace = "".join(traceback.format_exception(error))
        told = {**self._ended(None, error), "exception": error, "traceback_exception": trace}
        told["log_event_type"] = "failed_api_call"
        told["standard_logging_object"] = payload(told, None, error)
        yield from self._pairs(prefix, "failure", self._failed, told, None)

    def _grown(self, prefix: str, chunk: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        for one in self._loggers:
            yield from _method(one, f"{prefix}log_stream_event", (self._kwargs, chunk, self._began, datetime.now()))

    def _pairs(
        self, prefix: str, outcome: str, functions: Sequence[Any], told: dict[str, Any], response: Any
    ) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        arguments = (told, response, self._began, told["end_time"])
        for one in self._loggers:
            yield from _method(one, "log_post_api_call", arguments)
            yield from _method(one, f"{prefix}log_{outcome}_event", arguments)
        yield from ((one, arguments) for one in functions if callable(one))

    def _ended(self, response: Any, error: BaseException | None = None) -> dict[str, Any]:
        """With who answered: a fallback, or a router's deployment."""
        hidden = getattr(response, "_hidden_params", None) or {}
        if isinstance(error, APIError) and not self._placed:
            hidden = {"custom_llm_provider": error.provider, "model": error.model}
        params = {**self._kwargs["litellm_params"]}
        params["custom_llm_provider"] = hidden.get("custom_llm_provider") or params["custom_llm_provider"]
        whole = {"complete_streaming_response": self._shown(response)} if self._kwargs["stream"] and response else {}
        return {
            **self._kwargs,
            **whole,
            **{f"async_{name}": value for name, value in whole.items()},
            "model": hidden.get("model") or self._kwargs["model"],
            "custom_llm_provider": params["custom_llm_provider"],
            "litellm_params": params,
            "response_cost": hidden.get("response_cost"),
            "response_ms": (time.monotonic() - self._clock) * 1000,
            "end_time": datetime.now(),
        }

    def _shown(self, response: Any) -> Any:
        if response is None or not self._settings.get("turn_off_message_logging") or "choices" not in response:
            return response
        choices = [{**one, "message": {"role": "assistant", "content": REDACTED}} for one in response.choices]
        return response.model_copy(update={"choices": choices})

    # told to them all

    def begin(self) -> None:
        _tell(() if self.silent else self._before(""))

    def succeed(self, response: Any) -> None:
        _tell(() if self.silent else self._after("", response))

    def fail(self, error: BaseException) -> None:
        _tell(() if self.silent else self._broken("", error))

    def grow(self, chunk: Any) -> None:
        _tell(self._grown("", chunk))

    async def abegin(self) -> None:
        await _atell(() if self.silent else self._before("async_"))

    async def asucceed(self, response: Any) -> None:
        await _atell(() if self.silent else self._after("async_", response))

    async def afail(self, error: BaseException) -> None:
        await _atell(() if self.silent else self._broken("async_", error))

    async def agrow(self, chunk: Any) -> None:
        await _atell(self._grown("async_", chunk))


def located(settings: Settings, model: str, said: Mapping[str, Any]) -> tuple[str | None, str]:
    """(whose it is, its name there), as LiteLLM tells them apart. A name that is no provider's (a router's) stays
    whole."""
    own = custom_llm.found(settings.get("custom_provider_map"), model, said)
    if own is not None:
        return said.get("custom_llm_provider") or model.partition("/")[0], own[1]
    try:
        row, name = whose.located(model, said.get("custom_llm_provider"), said.get("api_base") or said.get("base_url"))
    except NotFoundError:
        return said.get("custom_llm_provider"), model
    return row.name, name


def _is_optional(name: str) -> bool:
    """A field of the body: no credential of a provider, and no address."""
    return name not in OURS and name not in _NOT_OPTIONAL and not name.startswith(FOR_PROVIDERS)


_NOT_OPTIONAL = ("messages", "input", "prompt", "file", "metadata", "model", "stream")
Pairs = Iterator[tuple[Callable[..., Any], tuple[Any, ...]]] | Sequence[tuple[Callable[..., Any], tuple[Any, ...]]]


def _tell(pairs: Pairs) -> None:
    for callback, arguments in pairs:
        try:
            given = callback(*arguments)
            if inspect.isawaitable(given):
                BACKGROUND.run(_waited(given))
        except Exception:
            log.exception("the callback %r failed", callback)


async def _atell(pairs: Pairs) -> None:
    for callback, arguments in pairs:
        try:
            given = callback(*arguments)
            if inspect.isawaitable(given):
                await given
        except Exception:
            log.exception("the callback %r failed", callback)


async def _waited(given: Awaitable[Any]) -> Any:
    return await given


def _listed(name: str, *places: Any) -> list[Any]:
    """Each once, though it be named in several places."""
    found: list[Any] = []
    for said in places:
        for one in said if isinstance(said, list | tuple) else [] if said is None else [said]:
            if isinstance(one, str):
                raise not_built(f"{name} = [{one!r}]", "Pass a function or a `CustomLogger` that sends it there.")
            if not any(one is other for other in found):
                found.append(one)
    return found


def _check(loggers: Sequence[Any]) -> None:
    for one in loggers:
        for name in UNCALLED:
            if hasattr(type(one), name):
                raise not_built(f"integrations.custom_logger.CustomLogger.{name}", "It would never be called.")


def _method(one: Any, name: str, arguments: tuple[Any, ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    method = getattr(one, name, None)
    if method is not None:
        yield method, arguments


def _overrides(one: Any, *names: str) -> bool:
    return any(
        getattr(type(one), name, None) is not getattr(CustomLogger, name) for name in names if hasattr(one, name)
    )
