"""Chat completions: the provider's read, ours written.

An answer of this wire goes back as it came; another wire's is written in our dialect (see `turn`). Odd but valid
answers are read: a null message, a delta in its place, a missing finish reason; `Choice.spelling` says so.
"""

from __future__ import annotations

import re

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Inline, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from tollbridge.model.response import Caveat, Choice, Finish, Response
from tollbridge.wires.base import Written
from tollbridge.wires.openai_chat import thinking_parts
from tollbridge.wires.openai_chat.citations import CITED, write_as_claudes
from tollbridge.wires.openai_chat.content import write_media, write_own
from tollbridge.wires.openai_chat.errors import read_inner_error
from tollbridge.wires.openai_chat.functions import NO_CUSTOMS
from tollbridge.wires.openai_chat.reasoning import (
    PLAIN,
    close_call_signature,
    fields_of,
    write_block,
    write_detail,
)
from tollbridge.wires.openai_chat.shapes import explain_response
from tollbridge.wires.openai_chat.turn import (
    Order,
    TurnReader,
    write_annotations,
    write_audio,
    write_call,
    write_function_call,
    write_own_content,
)
from tollbridge.wires.openai_chat.usage import read_usage, write_usage
from tollbridge.wires.openai_chat.vocabulary import (
    FIELD,
    FINISH,
    FINISH_WORD,
    NAME,
    PROVIDER_FIELDS,
    SERVER_TOOLS,
    SPELLED,
    TEXT_BREAKS,
    approximated,
    dropped_part,
    take,
)
from tollbridge.wires.seal import UNKEYED, Seals
from tollbridge.wires.stumble import STUMBLES

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")
_NOTHING_KNOWN: dict[str, str] = {}


def read_response(body: Json) -> Response:
    """Raises APIError where the answer is an error in a 200, BadGatewayError where it is not a chat completion."""
    try:
        return _read(body)
    except STUMBLES as failure:
        raise explain_response(body, failure) from failure


def _read(body: JsonObject) -> Response:
    if body.__class__ is not dict:
        raise TypeError("answer")
    if body.get("error") and not body.get("choices"):
        raise read_inner_error(body)
    rest = dict(body)
    if rest.get("object") == "chat.completion":
        del rest["object"]
    id = take(rest, "id", str) or ""
    choices = rest.pop("choices")
    usage = read_usage(rest.get("usage"))
    if usage is not None:
        del rest["usage"]
    return Response(
        id=id,
        model=take(rest, "model", str) or "",
        created=rest.pop("created") if rest.get("created").__class__ is int else None,
        choices=tuple([_read_choice(choice, place, id) for place, choice in enumerate(choices or ())]),
        usage=usage,
        origin=NAME,
        extra=rest,
    )


def _read_choice(choice: JsonObject, place: int, id: str) -> Choice:
    rest = dict(choice)
    index = take(rest, "index", int)
    message = rest.pop("message", None)
    oddity = None
    if message is None:
        oddity = "null" if "message" in choice else "absent"
        if rest.get("delta").__class__ is dict:
            message, oddity = rest.pop("delta"), "delta"
        elif rest.get("text").__class__ is str:
            message, oddity = {"content": rest.pop("text")}, "text"
    parts, spelling, extra = TurnReader(None).read(message or {})
    if oddity is not None:
        spelling = {**spelling, "message": oddity}
    if rest.get("error") and not parts:
        raise read_inner_error({"error": rest["error"]})
    parts = with_ids(parts, id, place)
    raw = rest.get("finish_reason")
    if raw.__class__ is str:
        del rest["finish_reason"]
        if not raw:
            spelling = {**spelling, "finish_reason": "empty"}
    elif raw is not None:
        raise TypeError("finish_reason")
    elif "finish_reason" in rest:
        del rest["finish_reason"]
        spelling = {**spelling, "finish_reason": "null"}
    else:
        spelling = {**spelling, "finish_reason": "absent"}
    stop = take(rest, "stop_reason", str) if rest.get("stop_reason").__class__ is str else None
    logprobs = rest.pop("logprobs") if rest.get("logprobs") is not None else None
    return Choice(
        index=place if index is None else index,
        parts=parts,
        finish=Finish(reason=finish_reason(raw, parts), raw=raw or None, stop=stop),
        logprobs=logprobs,
        spelling=spelling,
        message_extra=extra,
        extra=rest,
    )


def finish_reason(raw: str | None, parts: tuple[Part, ...]) -> Json:
    """The neutral reason. Without a word for it an answer ended as its parts say."""
    if not raw:
        return "tool_calls" if any(isinstance(part, ToolCall) for part in parts) else "stop"
    reason = FINISH.get(raw, "other")
    if reason == "stop" and any(isinstance(part, Refusal) for part in parts):
        return "refusal"
    return reason


def with_ids(parts: tuple[Part, ...], id: str, place: int) -> tuple[Part, ...]:
    """Each call with an id of its own: an empty or repeated one is replaced (decision 14)."""
    seen: set[str] = set()
    out: list[Part] = []
    for part in parts:
        if isinstance(part, ToolCall):
            if not part.id or part.id in seen:
                part = msgspec.structs.replace(part, id=made_up_id(id, place, len(seen)))
            seen.add(part.id)
        out.append(part)
    return tuple(out) if seen else parts


def made_up_id(answer_id: str, choice: int, number: int) -> str:
    return f"call_{_NOT_IN_IDS.sub('', answer_id)[-24:]}_{choice}_{number}"


def write_response(
    response: Response, seals: Seals = UNKEYED, customs: frozenset[str] = NO_CUSTOMS
) -> Written[JsonObject]:
    """`customs`: names of the client's tools that take free text."""
    own = response.origin == NAME
    caveats: list[Caveat] = []
    out: JsonObject = {
        "id": response.id,
        "object": "chat.completion",
        "created": response.created or 0,
        "model": response.model,
        "choices": [_write_choice(choice, response, seals, caveats, customs) for choice in response.choices],
    }
    if own and "object" in response.extra:
        del out["object"]
    if response.usage is not None:
        out["usage"] = write_usage(response.usage)
    if own and response.extra:
        for key, value in response.extra.items():
            if not out.get(key):  # an odd id, model or time stays what it was, unless the caller gave a better one
                out[key] = value
    return Written(out, tuple(caveats))


def _write_choice(
    choice: Choice, response: Response, seals: Seals, caveats: list[Caveat], customs: frozenset[str]
) -> JsonObject:
    own = response.origin == NAME
    spelling = choice.spelling if own else _NOTHING_KNOWN
    writer = MessageWriter(own, seals, response.account, caveats, customs)
    message = writer.write(choice, spelling)
    out: JsonObject = {"index": choice.index}
    match spelling.get("message"):
        case None:
            out["message"] = message
        case "null":
            out["message"] = None
        case "delta":
            out["delta"] = message
        case "text":
            out["text"] = message["content"]
    if not own:  # OpenAI's description of the format requires both, with null where there is none
        message.setdefault("refusal", None)
    if choice.logprobs is not None or not own:
        out["logprobs"] = choice.logprobs
    out.update(write_finish(choice.finish, own, caveats, spelling.get("finish_reason")))
    if own:
        for key, value in choice.extra.items():
            out.setdefault(key, value)
    return out


def write_finish(finish: Finish | None, own: bool, caveats: list[Caveat], spelled: str | None = None) -> JsonObject:
    """`finish_reason` and what stands beside it."""
    if finish is None or spelled == "null":
        return {"finish_reason": None}
    out: JsonObject = {}
    if own:
        if spelled == "empty":
            out["finish_reason"] = ""
        elif spelled != "absent":
            out["finish_reason"] = finish.raw if finish.raw is not None else FINISH_WORD[finish.reason]
    else:
        out["finish_reason"] = FINISH_WORD[finish.reason]
        if finish.reason in ("refusal", "pause", "context_window", "other"):
            out["native_finish_reason"] = finish.raw or finish.reason
            detail = f"The chat format has no word for the end `{finish.raw or finish.reason}`; it says "
            caveats.append(approximated("$.finish_reason", f"{detail}`{out['finish_reason']}`."))
    if finish.stop is not None:
        out["stop_reason"] = finish.stop
    return out


class MessageWriter:
    """Writes the message of one choice."""

    def __init__(
        self, own: bool, seals: Seals, account: str, caveats: list[Caveat], customs: frozenset[str] = NO_CUSTOMS
    ) -> None:
        self._own = own
        self._customs = customs
        self._seals = seals
        self._account = account
        self._caveats = caveats

    def write(self, choice: Choice, spelling: dict[str, str]) -> JsonObject:
        own, parts = self._own, choice.parts
        message: JsonObject = {"role": "assistant", "content": None}
        server_tools: list[JsonObject] = []
        order = Order()
        places = [order.position(index, part) for index, part in enumerate(parts)]
        self._content(message, parts, places, spelling)
        self._thinking(message, parts, places)
        refusals = [part.text for part in parts if isinstance(part, Refusal) and part.extra.get(SPELLED) != "part"]
        if refusals:
            message["refusal"] = "".join(refusals)
        calls: list[JsonObject] = []
        for place, part in zip(places, parts, strict=True):
            match part:
                case ToolCall(runs_on="client", extra=extra) if own and extra.get(FIELD) == "function_call":
                    message["function_call"] = write_function_call(part)
                case ToolCall(runs_on="client"):
                    calls.append(self.call(part, place))
                case ToolCall():
                    server_tools.append(write_server_call(part, place))
                case Opaque(wire=wire) if not own or wire != NAME:
                    server_tools.append({"position": place, "wire": wire, "value": part.value})
                case Media() if not own or part.extra.get(FIELD) == "images":
                    self.media(message, part)
                case Text() | Thinking() | Refusal() | Opaque() | Media():
                    pass
                case _:
                    detail = f"A {type(part).__name__} has no place in a chat answer; it was left out."
                    self._caveats.append(dropped_part("$.choices", detail))
        if calls:
            message["tool_calls"] = calls
        if server_tools:
            message.setdefault(PROVIDER_FIELDS, {})[SERVER_TOOLS] = server_tools
        if own:
            for key, value in choice.message_extra.items():
                if key == PROVIDER_FIELDS and key in message and value.__class__ is dict:
                    message[key].update(value)
                else:
                    message.setdefault(key, value)
        return message

    def _content(
        self, message: JsonObject, parts: tuple[Part, ...], places: list[int | None], spelling: dict[str, str]
    ) -> None:
        if self._own:
            content = write_own_content(parts, spelling)
            if content is None and spelling.get("content") == "absent":
                del message["content"]
            else:
                message["content"] = content
            audio = write_audio(parts)
            if audio is not None:
                message["audio"] = audio
        else:
            texts = [part.text for part in parts if isinstance(part, Text)]
            calls = any(isinstance(part, ToolCall) and part.runs_on == "client" for part in parts)
            message["content"] = "".join(texts) or (None if calls else "")
        if message.get("content").__class__ is str:
            breaks = _breaks(parts, places)
            if breaks:
                message[PROVIDER_FIELDS] = {TEXT_BREAKS: breaks}
        annotations = write_annotations(parts)
        if annotations:
            message["annotations"] = annotations
            if claudes := write_as_claudes(parts):
                message.setdefault(PROVIDER_FIELDS, {})[CITED] = claudes

    def _thinking(self, message: JsonObject, parts: tuple[Part, ...], places: list[int | None]) -> None:
        thoughts = [
            (place, part)
            for place, part in zip(places, parts, strict=True)
            if isinstance(part, Thinking) and part.extra.get(FIELD) not in thinking_parts.FIELDS
        ]
        if not thoughts:
            return
        fields = fields_of([part for _, part in thoughts]) if self._own else {"reasoning_content", "thinking_blocks"}
        text = "".join([part.text for _, part in thoughts])
        if text:
            for field in PLAIN:
                if field in fields:
                    message[field] = text
        if "reasoning_details" in fields:
            message["reasoning_details"] = [write_detail(part) for _, part in thoughts]
        if "thinking_blocks" in fields:
            message["thinking_blocks"] = [self.block(part, place) for place, part in thoughts]

    def block(self, part: Thinking, place: int | None) -> JsonObject:
        block = write_block(part, self._seals, self._account, place)
        return {**block, **{key: value for key, value in part.extra.items() if key != FIELD}} if self._own else block

    def call(self, part: ToolCall, place: int | None) -> JsonObject:
        id = part.id
        if part.signature and not self._own:
            seal = self._seals.close(part.origin, part.account or self._account, part.signature)
            id = f"{id}~{seal}"
        out = write_call(part, id, self._own, not self._own and part.name in self._customs)
        if place is not None:
            out["position"] = place
        if part.signature:
            account = part.account or self._account
            shown = (
                part.signature if self._own else close_call_signature(part.signature, part.origin, account, self._seals)
            )
            out.setdefault(PROVIDER_FIELDS, {})["thought_signature"] = shown
        return out

    def media(self, message: JsonObject, part: Media) -> None:
        """Pictures as OpenRouter shows them, sound as OpenAI does."""
        if part.media_type.startswith("audio/") and isinstance(part.source, Inline):
            message["audio"] = {"id": "audio_tb", "data": part.source.data, "expires_at": 0, "transcript": ""}
        else:
            images = message.setdefault("images", [])
            images.append(write_own(part) if self._own else {**write_media(part), "index": len(images)})


def _breaks(parts: tuple[Part, ...], places: list[int | None]) -> list[JsonObject]:
    breaks, offset = [], 0
    for place, part in zip(places, parts, strict=True):
        if isinstance(part, Text):
            if place is not None:
                breaks.append({"position": place, "offset": offset})
            offset += len(part.text)
    return breaks


def write_server_call(part: ToolCall, place: int | None) -> JsonObject:
    out: JsonObject = {"position": place, "id": part.id, "name": part.name, "arguments": part.arguments or "{}"}
    if part.origin:
        out["origin"] = part.origin
    if part.extra:
        out["extra"] = part.extra
    return out
