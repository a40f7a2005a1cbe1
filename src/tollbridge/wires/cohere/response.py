"""A whole answer.

    {"id", "message": {"role", "content": [{"type": "text" | "thinking", ...}], "tool_plan", "tool_calls", "citations"},
     "finish_reason", "usage", "logprobs"}

Parts stand in this order: the content, the plan (thinking, told before calls), the calls. What is not understood stays
in `extra`.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Citation, Opaque, Part, Text, Thinking, ToolCall
from tollbridge.model.response import Choice, Finish, Response
from tollbridge.wires.cohere.citations import cites_text, read_citation
from tollbridge.wires.cohere.errors import broken, error_inside
from tollbridge.wires.cohere.logprobs import read_logprobs
from tollbridge.wires.cohere.shapes import explain_response
from tollbridge.wires.cohere.usage import read_usage
from tollbridge.wires.cohere.vocabulary import BROKEN, FINISH, NAME
from tollbridge.wires.stumble import STUMBLES


def read_response(body: Json) -> Response:
    """Raises BadGatewayError that names what is wrong, and APIError where it is an error in a 200. Missing and null
    fields are read as empty."""
    try:
        return _read(body)
    except STUMBLES as cause:
        explain_response(body, cause)


def _read(body: JsonObject) -> Response:
    rest = {**body}
    said = rest.pop("message", None)
    if said.__class__ is not dict:
        raise error_inside(body)
    reason = rest.pop("finish_reason", None)
    if reason in BROKEN:
        raise broken(reason, body)
    message = dict(said)
    message.pop("role", None)
    parts = [*_content(message.pop("content", None)), *_plan_and_calls(message)]
    _cite(parts, message)
    usage = read_usage(rest.get("usage"))
    if usage is not None:
        del rest["usage"]
    answer_id = rest.pop("id", None)
    logprobs = read_logprobs(rest.get("logprobs"))
    if logprobs is not None:
        del rest["logprobs"]
    return Response(
        id=answer_id if answer_id.__class__ is str else "",
        choices=(Choice(parts=tuple(parts), finish=read_finish(reason), logprobs=logprobs, message_extra=message),),
        usage=usage,
        origin=NAME,
        extra={key: value for key, value in rest.items() if value is not None},
    )


def read_finish(reason: Json) -> Finish | None:
    if reason is None:
        return None
    if reason.__class__ is not str:
        raise TypeError("finish_reason")
    return Finish(reason=FINISH.get(reason, "other"), raw=reason)


def read_block(block: JsonObject) -> Part:
    match block["type"]:
        case "text":
            return Text(text=block.get("text") or "", extra=_rest(block, "text"))
        case "thinking":
            return Thinking(text=block.get("thinking") or "", extra=_rest(block, "thinking"))
        case _:
            return Opaque(wire=NAME, value=block)


def read_call(call: JsonObject) -> ToolCall:
    function = call["function"]
    return ToolCall(id=call.get("id") or "", name=function["name"], arguments=function.get("arguments") or "")


def _content(content: Json) -> list[Part]:
    if isinstance(content, str):
        return [Text(text=content)]
    return [read_block(block) for block in content or ()]


def _plan_and_calls(message: JsonObject) -> list[Part]:
    plan, calls = message.pop("tool_plan", None), message.pop("tool_calls", None)
    parts: list[Part] = [Thinking(text=plan)] if plan else []
    for call in calls or ():
        read = read_call(call)
        parts.append(read if read.arguments else msgspec.structs.replace(read, arguments="{}"))
    return parts


def _cite(parts: list[Part], message: JsonObject) -> None:
    """Give each citation to the text that it is of; those of anything else stay in `message`."""
    others: list[Json] = []
    for value in message.pop("citations", None) or ():
        index = place_of_text(value, parts)
        part = parts[index] if index is not None else None
        if index is None or not isinstance(part, Text):
            others.append(value)
            continue
        cited: tuple[Citation, ...] = (*part.citations, *read_citation(value))
        parts[index] = msgspec.structs.replace(part, citations=cited)
    if others:
        message["citations"] = others


def place_of_text(value: JsonObject, parts: list[Part]) -> int | None:
    """The place of the text that a citation is of; None where there is none."""
    if not cites_text(value):
        return None
    index = value.get("content_index")
    if index is None:
        return next((place for place, part in enumerate(parts) if isinstance(part, Text)), None)
    return index if 0 <= index < len(parts) and isinstance(parts[index], Text) else None


def _rest(block: JsonObject, known: str) -> JsonObject:
    return {key: value for key, value in block.items() if key not in ("type", known)}
