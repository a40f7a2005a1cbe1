"""Wishes that no writer can grant, looked at once for all of them, before a request is written in another format.

A word for how much to think is made into another vendor's word, or into a number of tokens. One that nobody knows
cannot be, and is refused with those that there are, as each vendor refuses it itself: a Caveat would let a mistyped
`high` be answered as something else, at a price that differs tenfold. A word newer than this list reaches the vendor
that has it all the same, in its own format: there it is judged by nobody else.
"""

from __future__ import annotations

from msgspec.structs import replace

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json
from tollbridge.model.parts import Opaque, Thinking, ToolResult
from tollbridge.model.request import OutputFormat, Reasoning, Request, Tool
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_field
from tollbridge.wires.base import Written
from tollbridge.wires.dialects import CHAT, MESSAGES
from tollbridge.wires.free_text import holds_to_grammar

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SYNONYMS = {"disable": "none", "default": None, "thinking_level_unspecified": None}
"""LiteLLM's word for Gemini; Groq's, and Gemini's, for what is so when nobody says anything."""


def granted(request: Request, wire: str) -> Written[Request]:
    """The request as a writer of `wire` can take it. Raises BadRequestError for an effort that nobody knows."""
    if request.origin == wire:
        return Written(request)
    caveats: list[Caveat] = []
    if _borrows(request):
        from tollbridge.wires.borrowed import lent  # loaded when a client first says a thing in another's words

        borrowed = lent(request, wire)
        request = borrowed.value
        caveats += borrowed.caveats
    if request.origin == MESSAGES and request.reasoning is None and "reasoning_effort" in request.extra:
        request = _with_plain_effort(request)
    output = request.output
    if request.origin == CHAT and isinstance(output, Opaque) and _lacks_its_schema(output.value):
        why = "it lacks `json_schema`, the object with `name` and `schema`"
        caveats.append(unsent_field("response_format", why))
        request = replace(request, output=None)
    elif request.origin == CHAT and isinstance(output, OutputFormat) and output.kind == "json" and output.extra:
        request = replace(request, output=_with_schema(output))
    for index, tool in enumerate(request.tools):
        if isinstance(tool, Tool) and holds_to_grammar(tool):
            detail = f"`{tool.name}` is offered as a function of one string, which no grammar holds the model to."
            caveats.append(Caveat(code="approximated", where=f"$.tools[{index}]", detail=detail))
    if request.reasoning is None and request.tool_choice is None and "tools" not in request.spelling:
        return Written(request, tuple(caveats))
    return Written(_with_choice(_one_at_a_time(_with_effort(request)), wire, caveats), tuple(caveats))


def _with_plain_effort(request: Request) -> Request:
    """Anthropic's format has no such field; LiteLLM's clients say it there all the same."""
    extra = dict(request.extra)
    said = extra.pop("reasoning_effort")
    effort = said.get("effort") if isinstance(said, dict) else said
    return replace(request, extra=extra, reasoning=None if effort is None else Reasoning(effort=str(effort)))


def _with_schema(output: OutputFormat) -> OutputFormat:
    """A schema beside `json_object`, as LiteLLM has it for Gemini (`response_schema`) and Together for its own."""
    schema = output.extra.get("response_schema") or output.extra.get("schema")
    return OutputFormat(kind="schema", schema=schema) if isinstance(schema, dict) else output


def _lacks_its_schema(format: Json) -> bool:
    return isinstance(format, dict) and format.get("type") == "json_schema" and "json_schema" not in format


def _borrows(request: Request) -> bool:
    for tool in request.tools:
        if tool.__class__ is Opaque:
            return True
    if request.origin != CHAT:
        return False
    for message in request.messages:
        for part in message.parts:
            match part:
                case Opaque() | Thinking(extra={"signature": _}):
                    return True
                case ToolResult(content=content) if any(inner.__class__ is Opaque for inner in content):
                    return True
    return False


def _with_effort(request: Request) -> Request:
    reasoning = request.reasoning
    if reasoning is None or reasoning.effort is None or reasoning.effort in EFFORTS:
        return request
    if reasoning.effort in _SYNONYMS:
        known = replace(reasoning, effort=_SYNONYMS[reasoning.effort])
        says = known.effort is not None or known.budget_tokens is not None or known.mode is not None
        return replace(request, reasoning=known if says else None)
    words = ", ".join(f"`{word}`" for word in EFFORTS)
    raise BadRequestError(
        f"There is no effort `{reasoning.effort}` - at `$.reasoning_effort`. The words are {words}.",
        param="reasoning_effort",
        code="invalid_value",
    )


def _one_at_a_time(request: Request) -> Request:
    """A client that offers `functions` can take one call (`openai_chat/functions.py`)."""
    return replace(request, parallel_tools=False) if request.spelling.get("tools") == "functions" else request


def _with_choice(request: Request, wire: str, caveats: list[Caveat]) -> Request:
    choice = request.tool_choice
    if choice is None or any(isinstance(tool, Tool) or tool.wire == wire for tool in request.tools):
        return request
    if isinstance(choice, Opaque) or choice.mode in ("required", "tool"):
        caveats.append(unsent_field("tool_choice", "there are no tools to choose from"))
    return replace(request, tool_choice=None)
