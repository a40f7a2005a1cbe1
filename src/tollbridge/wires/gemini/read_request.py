"""A client's body -> `Request`. The model, and whether to stream, stand in the path: whoever asks adds them.

`systemInstruction` becomes a leading system message. What we do not know, and what is null, stays in `extra`.
"""

from __future__ import annotations

from tollbridge.model.json import Json
from tollbridge.model.parts import Text
from tollbridge.model.request import Message, Request, Role
from tollbridge.wires.base import Written
from tollbridge.wires.gemini.read_parts import PartReader
from tollbridge.wires.gemini.read_settings import Settings, read_tool_choice, read_tools
from tollbridge.wires.gemini.shapes import explain_request
from tollbridge.wires.gemini.vocabulary import NAME, fields, listed, take
from tollbridge.wires.seal import UNKEYED, Seals
from tollbridge.wires.stumble import STUMBLES

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "user", "tool": "user"}
_NOTHING: dict[str, str] = {}


def read_request(body: Json, seals: Seals = UNKEYED) -> Written[Request]:
    """Raises BadRequestError that names the JSON path of what is wrong."""
    parts = PartReader(seals)
    try:
        return Written(_read(body, parts), tuple(parts.caveats))
    except STUMBLES as cause:
        explain_request(body, cause)


def _read(body: Json, parts: PartReader) -> Request:
    rest = fields(body)
    if "contents" not in rest and rest.get("generateContentRequest").__class__ is dict:
        rest = fields(rest["generateContentRequest"])  # a question how many tokens that one has
    spelling: dict[str, str] = {}
    messages: list[Message] = []
    if rest.get("systemInstruction") is not None:
        parts.where = "$.systemInstruction"
        messages.append(_system(rest.pop("systemInstruction"), parts))
    contents = rest.pop("contents")
    if contents.__class__ is dict:  # as the servers read it
        spelling["contents"] = "object"
        contents = [contents]
    for index, content in enumerate(listed(contents)):
        parts.where = f"$.contents[{index}]"
        messages.append(_message(content, parts))
    settings = Settings(rest, spelling)
    return Request(
        model=take(rest, "model", str) or "",
        messages=tuple(messages),
        tools=read_tools(rest, spelling),
        tool_choice=read_tool_choice(rest, spelling),
        sampling=settings.sampling,
        reasoning=settings.reasoning,
        output=settings.output,
        origin=NAME,
        spelling=spelling,
        extra=rest,
    )


def _system(content: Json, parts: PartReader) -> Message:
    if content.__class__ is str:
        return Message(role="system", parts=(Text(text=content),), spelling={"content": "string"})
    extra = fields(content)
    said = extra.pop("parts")
    if said.__class__ is dict:
        return Message(role="system", parts=parts.read_all([said]), spelling={"parts": "object"}, extra=extra)
    return Message(role="system", parts=parts.read_all(said), extra=extra)


def _message(content: Json, parts: PartReader) -> Message:
    extra = fields(content)
    said = extra.pop("parts")
    spelling = _NOTHING
    if said.__class__ is dict:
        spelling = {"parts": "object"}
        said = [said]
    role = take(extra, "role", str)
    if role not in ("user", "model"):
        spelling = {**spelling, "role": role or ""}
    return Message(role=_ROLES[role or "user"], parts=parts.read_all(said), spelling=spelling, extra=extra)
