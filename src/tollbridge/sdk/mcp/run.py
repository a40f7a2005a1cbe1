"""`tollbridge.run`: a model and its tools, until the model has its answer.

    done = await tollbridge.run("gpt-4.1", "How are we doing?", tools=tools)
    print(done.text, done.cost)

1. Each round asks the model with the whole conversation, and makes the calls that it asks for, in parallel. What a call
   gives goes back in the order of the calls; one that cannot be made, or fails, is told to the model, which may do
   better.
2. There are `max_rounds` at most: a model that goes on is stopped with an error that says so.
3. A `tool_choice` that demands a call binds the first round alone: else no run would end.
4. A call of a tool that is none of `tools` ends the run: its caller is to make it, and finds it in `response`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from tollbridge.errors import APIConnectionError, APIError, BadRequestError, UnknownPrice
from tollbridge.model.json import JsonObject
from tollbridge.sdk.chunks import stream_chunk_builder
from tollbridge.sdk.completion import acompletion
from tollbridge.sdk.costs import completion_cost
from tollbridge.sdk.mcp.formats import called, tool_message
from tollbridge.sdk.mcp.tools import Tools
from tollbridge.sdk.mcp.values import CallToolResult
from tollbridge.sdk.objects import ModelResponse

MAX_ROUNDS = 16
FREE = ("auto", "none")
"""What a `tool_choice` may be without demanding a call."""
Told = Callable[[str, float, float | None, str], None]
"""Of a call under way: the tool, how far it is, of how much, and what it says."""


class Made(msgspec.Struct, frozen=True):
    """One call of a tool. `cost`: dollars."""

    name: str
    arguments: JsonObject
    result: CallToolResult
    cost: float


class Run(msgspec.Struct, frozen=True):
    """`messages`: the whole conversation, to go on from. `cost`: dollars of all rounds and calls, None where a price is
    not known."""

    response: ModelResponse
    messages: list[Any]
    calls: list[Made]
    rounds: int
    cost: float | None

    @property
    def text(self) -> str:
        return self.response.choices[0].message.content or ""


async def run(
    model: str,
    messages: str | Iterable[Any],
    *,
    tools: Tools,
    max_rounds: int = MAX_ROUNDS,
    on_text: Callable[[str], None] | None = None,
    on_answer: Callable[[ModelResponse], None] | None = None,
    on_call: Callable[[Made], None] | None = None,
    on_progress: Told | None = None,
    **parameters: Any,
) -> Run:
    """`messages`: a conversation, or the text of its one message. `on_text` is told what the model says while it says
    it, `on_answer` of each of its answers, before the calls in it are made, `on_call` of each call that is made,
    `on_progress` of how far one is that says so. `parameters`: those of `completion`. Raises as `acompletion` does, and
    BadRequestError after `max_rounds`."""
    if not isinstance(tools, Tools):
        raise BadRequestError(
            "`tools` of `run` is what `async with tollbridge.tools(...) as tools` gives: those of MCP servers. "
            "Functions of your own are offered by `completion(tools=[...])`, and called by you.",
            param="tools",
        )
    told: list[Any] = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
    calls: list[Made] = []
    cost: float | None = 0.0
    for number in range(1, max_rounds + 1):
        response = await _ask(model, told, tools, on_text, parameters)
        cost = _sum(cost, _cost(response))
        if on_answer is not None:
            on_answer(response)
        message = response.choices[0].message
        told.append(message)
        wanted = message.tool_calls or []
        if not wanted or any(call.function.name not in tools for call in wanted):
            return Run(response, told, calls, number, cost)
        if parameters.get("tool_choice") not in (None, *FREE):
            del parameters["tool_choice"]
        for call, made in zip(
            wanted, await asyncio.gather(*(_make(tools, call, on_progress) for call in wanted)), strict=True
        ):
            calls.append(made)
            cost = _sum(cost, made.cost)
            told.append(tool_message(call.id, made.result))
            if on_call is not None:
                on_call(made)
    raise BadRequestError(
        f"{model} still calls tools after {max_rounds} rounds: give it more (`max_rounds`), or another question."
    )


async def _ask(
    model: str,
    messages: list[Any],
    tools: Tools,
    on_text: Callable[[str], None] | None,
    parameters: Mapping[str, Any],
) -> ModelResponse:
    if on_text is None:
        answer: ModelResponse = await acompletion(
            model, messages, tools=tools.schemas or None, stream=False, **parameters
        )
        return answer
    options = {**parameters.get("stream_options", {}), "include_usage": True}
    rest = {name: value for name, value in parameters.items() if name != "stream_options"}
    chunks = []
    stream = await acompletion(
        model, messages, tools=tools.schemas or None, stream=True, stream_options=options, **rest
    )
    async for chunk in stream:
        chunks.append(chunk)
        text = chunk.choices[0].delta.content if chunk.choices else None
        if text:
            on_text(text)
    whole = stream_chunk_builder(chunks, messages=messages)
    if not isinstance(whole, ModelResponse):
        raise APIConnectionError(f"{model} answered with nothing.")
    return whole


async def _make(tools: Tools, call: Any, on_progress: Told | None) -> Made:
    name = call.function.name
    try:
        asked = called(call)
    except BadRequestError as error:
        return Made(name, {}, _failed(error.message), 0.0)
    try:
        heard = None if on_progress is None else partial(on_progress, name)
        result = await tools.call(name, asked.arguments, on_progress=heard)
    except APIError as error:
        return Made(name, asked.arguments, _failed(error.message), 0.0)
    return Made(name, asked.arguments, result, tools.cost(name))


def _failed(why: str) -> CallToolResult:
    return CallToolResult({"content": [{"type": "text", "text": why}], "isError": True})


def _cost(response: ModelResponse) -> float | None:
    try:
        return completion_cost(completion_response=response)
    except UnknownPrice:
        return None


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
