"""`Request` -> the body for a server of this format.

Two ways through, because they owe different things. A request that came in this format goes back as it came: nothing is
mended, the provider judges. A request of another dialect is made into one that Gemini accepts (`history`, `settings`),
with a Caveat for each thing that could not be carried.
"""

from __future__ import annotations

from urllib.parse import quote

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Message, Request, Tool, only_allowed
from tollbridge.wires.base import HttpRequest, Target, Written
from tollbridge.wires.gemini.history import History
from tollbridge.wires.gemini.lacking import leave_out
from tollbridge.wires.gemini.models import generation
from tollbridge.wires.gemini.settings import Foreign
from tollbridge.wires.gemini.vocabulary import NAME
from tollbridge.wires.gemini.write_parts import PartWriter
from tollbridge.wires.gemini.write_settings import write_settings

_ROLES = {"user": "user", "assistant": "model", "system": "system"}


def path_of(model: str, *, stream: bool) -> str:
    """Of a model that stands in the path, relative to the base. `alt=sse`: else a stream is one JSON array."""
    return f"/models/{quote(model, safe='')}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")


def write_request(request: Request, to: Target) -> Written[HttpRequest]:
    own = request.origin == NAME
    facts = generation(to.model)
    parts = PartWriter(own=own, account=to.account, lacks=to.lacks, signs_calls=facts.signs_calls and not own)
    body = _own(request, parts) if own else _foreign(request, to, parts)
    if to.lacks:
        leave_out(body, to.lacks, parts.caveats)
    return Written(HttpRequest(path=path_of(to.model, stream=to.stream), body=body), tuple(parts.caveats))


def _own(request: Request, parts: PartWriter) -> JsonObject:
    body: JsonObject = {**request.extra}
    contents: list[JsonObject] = []
    for message in request.messages:
        if message.role == "system" and "systemInstruction" not in body:
            parts.where = "$.systemInstruction"
            body["systemInstruction"] = _system(message, parts)
        else:
            parts.where = f"$.contents[{len(contents)}]"
            contents.append(_content(message, parts))
    whole = request.spelling.get("contents") == "object" and len(contents) == 1
    body["contents"] = contents[0] if whole else contents
    write_settings(body, request)
    return body


def _system(message: Message, parts: PartWriter) -> Json:
    written = parts.write_all(message.parts)
    if message.spelling.get("content") == "string" and len(written) == 1:
        return written[0]["text"]
    return {**message.extra, "parts": _in_place(written, message)}


def _content(message: Message, parts: PartWriter) -> JsonObject:
    said: JsonObject = {**message.extra, "parts": _in_place(parts.write_all(message.parts), message)}
    role = message.spelling.get("role", _ROLES[message.role])
    return {"role": role, **said} if role else said


def _in_place(written: list[Json], message: Message) -> Json:
    return written[0] if message.spelling.get("parts") == "object" and len(written) == 1 else written


def _foreign(request: Request, to: Target, parts: PartWriter) -> JsonObject:
    request = only_allowed(request, parts.caveats)
    facts = generation(to.model)
    names = [tool.name for tool in request.tools if isinstance(tool, Tool)]
    history = History(
        parts,
        modify=to.modify,
        media_in_results=facts.media_in_results,
        only_tool=names[0] if len(names) == 1 else None,
    )
    system, contents = history.write(request.messages)
    settings = Foreign(request, to, facts, parts.caveats)
    config = settings.config()
    system += [{"text": asked} for asked in settings.asks]
    body: JsonObject = {}
    if system:
        body["systemInstruction"] = {"parts": system}
    body["contents"] = contents
    settings.tools(body)
    settings.rest(body, config)
    if config:
        body["generationConfig"] = config
    return body
