"""Mistral's completions of code: what stands between `prompt` and `suffix`.

    POST /fim/completions {"model", "prompt", "suffix", "max_tokens", "min_tokens", "temperature", "top_p", "stop",
                           "random_seed", "stream", "metadata"}
    an answer, and chunks, of the chat format

https://docs.mistral.ai/api/#operation/createFIMCompletion, as docs.rs/crate/mistral-openapi-client quotes it (seen
2026-11-27). It writes what was read from a legacy completion: one user's message, which is the prompt.
"""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Text
from tollbridge.model.request import Request
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
_OWN = ("suffix", "min_tokens", "random_seed")


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
        if request.metadata:
            body["metadata"] = dict(request.metadata)
        if to.stream:
            body["stream"] = True
        for name in _UNKNOWN:
            if getattr(sampling, name):
                losses.param(name, "it is no wish of code that is filled in")
        if sampling.choices is not None and sampling.choices > 1:
            losses.param("n", "code is filled in once")
        if request.user is not None:
            losses.param("user", "Mistral is not told the end user")
        for name, value in request.extra.items():
            if name in _OWN:
                body[name] = value
            elif value is not None:
                losses.param(name, "code that is filled in has no such wish")
        return Written(HttpRequest(path=PATH, body=body), losses.told())


MISTRAL_FIM = MistralFim()
