"""What a client asks for, in no dialect.

`spelling` notes how the client's dialect spelled a thing that can be spelled in several ways (`max_tokens` or
`max_completion_tokens`, `system` or `developer`); only the same wire's writer reads it. `extra` as in `parts`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import CacheMark, Opaque, Part
from tollbridge.model.response import Caveat

Role = Literal["system", "user", "assistant"]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag="message"):
    """One turn, or a piece of one: adjacent messages of one role may stand apart; a writer joins them where its
    format wants turns to alternate. Tool results are parts of user messages."""

    role: Role
    parts: tuple[Part, ...] = ()
    name: str | None = None
    spelling: dict[str, str] = {}
    extra: JsonObject = {}


class Tool(msgspec.Struct, frozen=True, kw_only=True, tag="tool"):
    """A function of the client's. `schema` is JSON Schema, verbatim; None where the client gave none."""

    name: str
    description: str | None = None
    schema: JsonObject | None = None
    strict: bool | None = None
    cache: CacheMark | None = None
    spelling: dict[str, str] = {}
    extra: JsonObject = {}


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True, tag="tool_choice"):
    """`mode="tool"` names one tool in `name`. `allowed`: with "auto" and "required", the names of those that may be
    called; none: all."""

    mode: Literal["auto", "none", "required", "tool"]
    name: str | None = None
    allowed: tuple[str, ...] = ()
    extra: JsonObject = {}


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True, tag="output_format"):
    """Structured output: `json` is any object, `schema` a JSON Schema."""

    kind: Literal["text", "json", "schema"]
    name: str | None = None
    description: str | None = None
    schema: JsonObject | None = None
    strict: bool | None = None
    extra: JsonObject = {}


class Reasoning(msgspec.Struct, frozen=True, kw_only=True, tag="reasoning"):
    """How much to think. `effort`: none, minimal, low, medium, high, xhigh, max. `budget_tokens`: a cap on thinking.
    `mode`: "enabled", "disabled" or "adaptive" where the client said so."""

    effort: str | None = None
    budget_tokens: int | None = None
    mode: Literal["enabled", "disabled", "adaptive"] | None = None
    extra: JsonObject = {}


class Sampling(msgspec.Struct, frozen=True, kw_only=True, tag="sampling"):
    """None means: the client did not say. `max_tokens` bounds the output, thinking included."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    choices: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True, tag="request"):
    """`origin`: the wire it was read from. `model`: as the client wrote it. `parallel_tools`: None = the default.
    `user`: the end user's id. `metadata`: the client's own key-value pairs."""

    model: str
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool | Opaque, ...] = ()
    tool_choice: ToolChoice | Opaque | None = None
    parallel_tools: bool | None = None
    sampling: Sampling = Sampling()
    reasoning: Reasoning | None = None
    output: OutputFormat | Opaque | None = None
    stream: bool | None = None
    include_usage: bool | None = None
    user: str | None = None
    metadata: Json = None
    origin: str = ""
    spelling: dict[str, str] = {}
    extra: JsonObject = {}


def only_allowed(request: Request, caveats: list[Caveat]) -> Request:
    """For a format that cannot offer some tools and allow others: those that may not be called are not offered."""
    choice = request.tool_choice
    if not isinstance(choice, ToolChoice) or not choice.allowed:
        return request
    tools = tuple([tool for tool in request.tools if isinstance(tool, Tool) and tool.name in choice.allowed])
    detail = f"Only the tools that may be called are offered: {len(tools)} of {len(request.tools)}."
    caveats.append(Caveat(code="approximated", where="$.tool_choice", detail=detail))
    return msgspec.structs.replace(request, tools=tools, tool_choice=msgspec.structs.replace(choice, allowed=()))
