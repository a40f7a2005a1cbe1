"""Mistral's completions of code: what stands between `prompt` and `suffix`.

    POST /fim/completions {"model", "prompt", "suffix", "max_tokens", "min_tokens", "temperature", "top_p", "stop",
                           "random_seed", "stream", "metadata"}
    an answer, and chunks, of the chat format

https://docs.mistral.ai/api/#operation/createFIMCompletion, as docs.rs/crate/mistral-openapi-client quotes it (seen
2026-11-27). It writes what was read from a legacy completion: one user's message, which is the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Text
from tollbridge.model.request import OutputFormat, Request
from tollbridge.model.tasks.task import TaskRequest, TaskResponse
from tollbridge.wires.base import HttpRequest, Target, Written
from tollbridge.wires.losses import Losses
from tollbridge.wires.openai_chat import OpenAIChat
from tollbridge.wires.openai_completions import check_sayable
from tollbridge.wires.task import Task

NAME = "mistral_fim"
PATH = "/fim/completions"
_SAMPLING = {"max_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p", "seed": "random_seed"}
_UNKNOWN = ("top_k", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs")
_OWN: Mapping[str, tuple[type, str]] = {
    "suffix": (str, "a text"),
    "min_tokens": (int, "a whole number"),
    "random_seed": (int, "a whole number"),
}


class MistralFim(OpenAIChat):
    """A `ProviderWire`, of a task."""

    name = NAME
    asks_for_usage = False
    task: Task[TaskRequest, TaskResponse] = Task("completions")

    def write_request(self, request: Request, to: Target) -> Written[HttpRequest]:
        """Raises BadRequestError where it asks for what is no completion of code."""
        check_sayable(request.extra, "to fill in code", _OWN)
        losses = Losses("Mistral")
        prompt = "".join(part.text for said in request.messages for part in said.parts if isinstance(part, Text))
        body: JsonObject = {"model": to.model, "prompt": prompt}
        sampling = request.sampling
        for name, own in _SAMPLING.items():
            if (value := getattr(sampling, name)) is not None:
                body[own] = value
        if sampling.stop:
            body["stop"] = list(sampling.stop)
        if isinstance(request.metadata, dict):
            body["metadata"] = request.metadata
        if to.stream:
            body["stream"] = True
        for name in _UNKNOWN:
            if getattr(sampling, name):
                losses.param(name, "it is no wish of code that is filled in")
        if sampling.choices is not None and sampling.choices > 1:
            losses.param("n", "code is filled in once")
        for name in _unsayable(request):
            losses.param(name, "code that is filled in is plain text, by a model that only writes it")
        if request.user is not None:
            losses.param("user", "Mistral is not told the end user")
        for name, value in request.extra.items():
            if name in _OWN:
                body[name] = _checked(name, value)
            elif value is not None:
                losses.param(name, "code that is filled in has no such wish")
        return Written(HttpRequest(path=PATH, body=body), losses.told())


def _unsayable(request: Request) -> Iterator[str]:
    """Fields of chat's, that a completion may have all the same."""
    if request.tools:
        yield "tools"
    if request.tool_choice is not None:
        yield "tool_choice"
    if request.parallel_tools is not None:
        yield "parallel_tool_calls"
    if request.output is not None and not (isinstance(request.output, OutputFormat) and request.output.kind == "text"):
        yield "response_format"
    if (thinking := request.reasoning) is not None:
        by_budget = thinking.effort is None
        yield "thinking" if by_budget else "reasoning_effort"
    if request.metadata is not None and not isinstance(request.metadata, dict):
        yield "metadata"


def _checked(name: str, value: Json) -> Json:
    kind, called = _OWN[name]
    if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
        raise BadRequestError(f"`{name}` must be {called} - at `$.{name}`.", param=name)
    return value


MISTRAL_FIM = MistralFim()
