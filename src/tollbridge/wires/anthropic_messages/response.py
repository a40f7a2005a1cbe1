"""A whole answer, both ways.

What another provider signed is shown under a seal, so that it comes home on the next turn: thinking (also unsigned: the
seal says that it is not Anthropic's), the signatures of tool calls, and citations of web pages.
"""

from __future__ import annotations

import hashlib

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Citation, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.response import Caveat, Choice, Response
from tollbridge.wires.anthropic_messages.finish import read_finish, write_finish
from tollbridge.wires.anthropic_messages.read_blocks import BlockReader, copied
from tollbridge.wires.anthropic_messages.shapes import explain_response
from tollbridge.wires.anthropic_messages.usage import read_usage, write_usage
from tollbridge.wires.anthropic_messages.vocabulary import CALL_SEAL, INCIDENTAL, NAME
from tollbridge.wires.anthropic_messages.write_blocks import text_block, tool_use_block
from tollbridge.wires.base import Written
from tollbridge.wires.dialects import format_of
from tollbridge.wires.seal import UNKEYED, Seals
from tollbridge.wires.stumble import STUMBLES

# Said anew on every answer. A value that is another one stays in `extra`.
CONSTANTS = {"type": "message", "role": "assistant"}


def read_response(body: Json) -> Response:
    """Raises BadGatewayError that names what is wrong. Missing and null fields are read as empty."""
    try:
        return _read(body)
    except STUMBLES as cause:
        explain_response(body, cause)


def _read(body: JsonObject) -> Response:
    rest = copied(body)
    content = rest.pop("content") if rest.get("content") is not None else []
    parts, _ = BlockReader(None).read_content(content)
    finish = read_finish(rest.get("stop_reason"), rest.get("stop_sequence"))
    usage = read_usage(rest.get("usage"), rest.get("stop_reason"))
    if usage is not None:
        del rest["usage"]
    model, answer_id = rest.pop("model", None), rest.pop("id", None)
    return Response(
        id=answer_id if answer_id.__class__ is str else "",
        model=model if model.__class__ is str else "",
        choices=(Choice(parts=parts, finish=finish),),
        usage=usage,
        origin=NAME,
        extra=without_constants(rest),
    )


def without_constants(rest: JsonObject) -> JsonObject:
    """`rest` less what every answer says, and less the end, which is in `Finish`."""
    rest.pop("stop_reason", None)
    rest.pop("stop_sequence", None)
    for key, value in CONSTANTS.items():
        if rest.get(key) == value:
            del rest[key]
    return rest


def write_response(response: Response, seals: Seals = UNKEYED) -> Written[JsonObject]:
    own = response.origin == NAME
    writer = AnswerWriter(own=own, account=response.account, seals=seals)
    choice = response.choices[0] if response.choices else Choice()
    content = [block for part in choice.parts for block in writer.blocks(part)]
    if len(response.choices) > 1:
        writer.caveat("dropped_choice", "$.content", f"only the first of {len(response.choices)} choices is shown")
    if choice.logprobs is not None:
        writer.caveat("dropped_part", "$", "log probabilities have no place in this format")
    reason, stop = write_finish(choice.finish, choice.parts, own, writer.caveats)
    body: JsonObject = {
        **CONSTANTS,
        "id": response.id or made_id("msg", content),
        "model": response.model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": stop,
    }
    if response.usage is not None:
        body["usage"] = write_usage(response.usage, response.usage.origin == NAME)
    elif not own:
        body["usage"] = {"input_tokens": 0, "output_tokens": 0}  # clients index it blindly
    if own:
        body = {**response.extra, **body, **_unusual(response.extra)}
    elif lost := [name for name in response.extra if name not in INCIDENTAL]:
        writer.caveat("dropped_field", "$", f"fields without a place in this format: {', '.join(lost)}")
    return Written(body, tuple(writer.caveats))


def _unusual(extra: JsonObject) -> JsonObject:
    return {key: extra[key] for key in CONSTANTS if key in extra}


class AnswerWriter:
    """Parts of an answer -> blocks, for one client. `account`: whose credentials asked, for seals."""

    def __init__(self, *, own: bool, account: str, seals: Seals) -> None:
        self.own = own
        self._account = account
        self._seals = seals
        self._ids: set[str] = set()
        self.caveats: list[Caveat] = []

    def blocks(self, part: Part) -> list[JsonObject]:
        match part:
            case Text():
                shown = [block for citation in part.citations if (block := self.citation(citation)) is not None]
                # An empty block would be refused when the client brings it back to Anthropic.
                return [text_block(part, self.own, shown)] if self.own or part.text or shown else []
            case ToolCall():
                call_id = self.call_id(part)
                block = tool_use_block(part, self.own, call_id)
                if part.signature is not None and part.origin != NAME:
                    return [self.call_seal(part, call_id), block]
                return [block]
            case Thinking():
                return [self.thinking(part)] if self.own or part.text or part.signature else []
            case Refusal(text=text):
                return [{"type": "text", "text": text}] if text else []
            case Opaque(wire=wire, value=value) if wire == NAME:
                return [value]
            case Opaque(wire=wire):
                self.caveat("dropped_part", "$.content", f"a block that only {format_of(wire)} understands")
            case Media(media_type=media_type):
                self.caveat("dropped_part", "$.content", f"answers of this format hold no {media_type}")
            case ToolResult():
                self.caveat("dropped_part", "$.content", "answers of this format hold no tool results")
        return []

    def thinking(self, part: Thinking) -> JsonObject:
        """Raw where Anthropic signed it, sealed where anybody else did."""
        signature = part.signature if part.origin == NAME else self.seal(part)
        if part.redacted:
            block: JsonObject = {"type": "redacted_thinking", "data": signature or ""}
        else:
            block = {"type": "thinking", "thinking": part.text}
            if signature is not None:
                block["signature"] = signature
        return {**part.extra, **block} if self.own and part.extra else block

    def seal(self, part: Thinking) -> str:
        return self._seals.close(part.origin, part.account or self._account, part.signature or "")

    def call_id(self, part: ToolCall) -> str:
        """The call's own id; a new one where it is empty or was there before."""
        call_id = part.id
        while not call_id or call_id in self._ids:
            call_id = made_id("toolu", [part.name, part.arguments, part.id, len(self._ids), sorted(self._ids)])
        self._ids.add(call_id)
        return call_id

    def call_seal(self, part: ToolCall, call_id: str) -> JsonObject:
        """A tool call of this format has no place for a signature: it travels in a redacted_thinking block beside it,
        which clients must return unchanged."""
        payload = f"{CALL_SEAL}{call_id}\n{part.signature or ''}"
        seal = self._seals.close(part.origin, part.account or self._account, payload)
        return {"type": "redacted_thinking", "data": seal}

    def citation(self, citation: Citation) -> JsonObject | None:
        """A web page that another provider cites, as a web search's; the seal in `encrypted_index`, which clients
        return unread, brings the citation home. What is no page has no form here."""
        if citation.origin == NAME:
            return citation.raw
        if citation.url is None:
            self.caveat("dropped_part", "$.content", "a citation of something that is no web page")
            return None
        if citation.start is not None:
            self.caveat("approximated", "$.content", "the span of text that a citation supports cannot be said here")
        payload = msgspec.json.encode(citation).decode()
        return {
            "type": "web_search_result_location",
            "url": citation.url,
            "title": citation.title,
            "cited_text": citation.quoted or "",
            "encrypted_index": self._seals.close(citation.origin, self._account, payload),
        }

    def caveat(self, code: str, where: str, detail: str) -> None:
        self.caveats.append(Caveat(code=code, where=where, detail=f"{detail[0].upper()}{detail[1:]}."))


def made_id(prefix: str, content: Json) -> str:
    """An id for what has none: the same for the same content, so that this stays a pure function."""
    return f"{prefix}_tb{hashlib.blake2b(msgspec.json.encode(content), digest_size=12).hexdigest()}"
