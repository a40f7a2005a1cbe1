"""What a model said: the message of an answer, and the assistant's messages of a request.

The chat format keeps thinking, content and tool calls in fields of their own and so loses their order. In our dialect:

1. The order thinking, content, refusal, tool calls needs no words. A part that breaks it, and each thinking block after
   the first, says its place among the parts: `thinking_blocks[].position`, `tool_calls[].position`.
2. `content` is one string. Where a second text begins, or a text breaks the order,
   `provider_specific_fields.text_breaks` has `{"position", "offset"}`; they hold as long as the string is unchanged.
3. What the provider ran itself is in `provider_specific_fields.server_tools`, never in `tool_calls`: calls as
   `{"position", "origin", "id", "name", "arguments"}`, all else as `{"position", "wire", "value"}`.
4. A tool call's signature is in `tool_calls[].provider_specific_fields.thought_signature` and, for clients that drop
   unknown fields, after a `~` in the call's id.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import FileRef, Inline, Media, Opaque, Part, Refusal, Source, Text, Thinking, ToolCall
from tollbridge.model.response import Caveat
from tollbridge.wires import free_text
from tollbridge.wires.free_text import CUSTOM
from tollbridge.wires.openai_chat import thinking_parts
from tollbridge.wires.openai_chat.citations import cite, drop_copies, read_citation, write_citation
from tollbridge.wires.openai_chat.content import is_plain, read_content, read_part, write_own
from tollbridge.wires.openai_chat.reasoning import FIELDS, open_signature, take_reasoning
from tollbridge.wires.openai_chat.vocabulary import (
    FIELD,
    GEMINI,
    NAME,
    PROVIDER_FIELDS,
    SERVER_TOOLS,
    SPELLED,
    TEXT_BREAKS,
    string,
    take,
)
from tollbridge.wires.seal import PREFIX, Seals

SEALED_ID = "~" + PREFIX
_PLAIN_CALL = {"id", "type", "function"}
_PLAIN_FUNCTION = {"name", "arguments"}

Placed = tuple[int | None, Part]


class TurnReader:
    """Reads assistant messages; collects the Caveats of seals that did not open. `seals`: None where they are left
    as they are (see `reasoning`)."""

    __slots__ = ("caveats", "seals")

    def __init__(self, seals: Seals | None) -> None:
        self.seals = seals
        self.caveats: list[Caveat] = []

    def read(self, message: JsonObject) -> tuple[tuple[Part, ...], dict[str, str], JsonObject]:
        """The parts, the spelling and the unknown fields."""
        rest = dict(message)
        rest.pop("role", None)
        spelling: dict[str, str] = {}
        placed: list[Placed] = []
        if not FIELDS.isdisjoint(rest):
            placed.extend(take_reasoning(rest, self.seals, self.caveats))
        fields = dict(rest.pop(PROVIDER_FIELDS)) if rest.get(PROVIDER_FIELDS).__class__ is dict else {}
        placed.extend(self._content(rest, spelling, fields))
        refusal = rest.get("refusal")
        if refusal and refusal.__class__ is str:
            placed.append((None, Refusal(text=rest.pop("refusal"))))
        if "audio" in rest:
            placed.extend((None, part) for part in take_audio(rest))
        if rest.get("images") and rest["images"].__class__ is list:
            placed.extend((None, _noted(read_part(image), "images")) for image in rest.pop("images"))
        calls = rest.get("tool_calls")
        if calls and calls.__class__ is list:
            placed.extend([self.read_call(call) for call in rest.pop("tool_calls")])
        legacy = rest.get("function_call")
        if legacy.__class__ is dict and legacy.get("name"):
            placed.append((None, self._function_call(rest.pop("function_call"))))
        if fields:
            left = {key: value for key, value in fields.items() if key not in (TEXT_BREAKS, SERVER_TOOLS)}
            placed.extend([read_server_tool(item) for item in fields.get(SERVER_TOOLS) or ()])
            if left:
                rest[PROVIDER_FIELDS] = left
        return arrange(placed), spelling, rest

    def _content(self, rest: JsonObject, spelling: dict[str, str], fields: JsonObject) -> list[Placed]:
        if "content" not in rest:
            spelling["content"] = "absent"
            return []
        content = rest.pop("content")
        parts, spelled = read_content(content)
        if spelled and spelled != "null":
            spelling["content"] = spelled
        positions: list[int | None] = [None] * len(parts)
        if fields.get(TEXT_BREAKS) and content.__class__ is str:
            parts, positions = break_text(content, fields[TEXT_BREAKS])
        annotations = rest.get("annotations")
        if annotations and annotations.__class__ is list and any(isinstance(part, Text) for part in parts):
            citations = [read_citation(annotation) for annotation in rest.pop("annotations")]
            cite(parts, citations)
            drop_copies(fields, citations)
        return list(zip(positions, parts, strict=True))

    def read_call(self, call: JsonObject) -> Placed:
        function = call.get("function")
        if function is None and call.get("custom").__class__ is dict:
            return None, self._custom_call(call)
        if function.__class__ is not dict:
            raise TypeError("function")
        extra: JsonObject = {}
        position = None
        if len(call) > 3 or call.keys() != _PLAIN_CALL:
            extra = {key: value for key, value in call.items() if key not in _PLAIN_CALL}
            position = take(extra, "position", int)
        if call.get("type", "function") != "function":
            extra["type"] = call["type"]
        arguments = function.get("arguments")
        if arguments.__class__ is not str:
            if arguments is not None:
                extra[SPELLED] = "object"
            arguments = "" if arguments is None else msgspec.json.encode(arguments).decode()
        if len(function) > 2:
            extra["function"] = {key: value for key, value in function.items() if key not in _PLAIN_FUNCTION}
        id, origin, account, signature = self.read_id(call.get("id"))
        fields = extra.get(PROVIDER_FIELDS)
        if fields.__class__ is dict and fields.get("thought_signature").__class__ is str:
            left = dict(fields)
            found = open_signature(left.pop("thought_signature"), GEMINI, self.seals, self.caveats, "a tool call")
            if signature is None or found[1]:
                origin, account, signature = found
            if left:
                extra[PROVIDER_FIELDS] = left
            else:
                del extra[PROVIDER_FIELDS]
        return position, ToolCall(
            id=id,
            name=string(function["name"]),
            arguments=arguments,
            signature=signature,
            origin=origin,
            account=account,
            extra=extra,
        )

    def read_id(self, id: Json) -> tuple[str, str, str, str | None]:
        """(id, origin, account, signature): the id without the seal that may hang on it."""
        if id is None:
            return "", "", "", None
        if SEALED_ID not in string(id) or self.seals is None:
            return id, "", "", None
        plain, _, seal = id.partition("~")
        return (plain, *open_signature(seal, GEMINI, self.seals, self.caveats, "a tool call's id"))

    def _custom_call(self, call: JsonObject) -> ToolCall:
        custom = dict(call["custom"])
        extra = {key: value for key, value in call.items() if key not in ("id", "custom")}
        name, text = string(custom.pop("name")), string(custom.pop("input"))
        if custom:
            extra["custom"] = custom
        return ToolCall(
            id=self.read_id(call.get("id"))[0],
            name=name,
            arguments=free_text.wrap(text),
            extra={**extra, "type": CUSTOM},
        )

    def _function_call(self, call: JsonObject) -> ToolCall:
        extra = {FIELD: "function_call", **{key: value for key, value in call.items() if key not in _PLAIN_FUNCTION}}
        arguments = call.get("arguments")
        return ToolCall(id="", name=string(call["name"]), arguments=string(arguments or ""), extra=extra)


def take_audio(rest: JsonObject) -> list[Part]:
    """Spoken answers: the transcript is text to everybody, the sound a Media."""
    audio = rest["audio"]
    if audio.__class__ is not dict or not audio.get("id"):
        return []
    inner = dict(rest.pop("audio"))
    parts: list[Part] = []
    transcript = inner.get("transcript")
    if transcript and transcript.__class__ is str:
        parts.append(Text(text=inner.pop("transcript"), extra={FIELD: "audio"}))
    source: Source = FileRef(id=string(inner["id"]))
    if inner.get("data").__class__ is str:
        source = Inline(data=inner.pop("data"))
    else:
        del inner["id"]
    extra = {FIELD: "audio", "audio": inner} if inner else {FIELD: "audio"}
    parts.append(Media(media_type="audio/*", source=source, extra=extra))
    return parts


def break_text(content: str, breaks: Json) -> tuple[list[Part], list[int | None]]:
    """The texts of a string that our dialect joined; the string as one, where it was changed since."""
    offsets = [item["offset"] for item in breaks]
    if any(offset.__class__ is not int for offset in offsets) or offsets != sorted(offsets):
        return ([Text(text=content)] if content else []), [None] * bool(content)
    if offsets[-1] > len(content):
        return [Text(text=content)], [None]
    starts, positions = offsets, [take(dict(item), "position", int) for item in breaks]
    if starts[0] > 0:
        starts, positions = [0, *starts], [None, *positions]
    ends = [*starts[1:], len(content)]
    return [Text(text=content[start:end]) for start, end in zip(starts, ends, strict=True)], positions


def read_server_tool(item: JsonObject) -> Placed:
    position = item.get("position")
    position = position if position.__class__ is int else None
    if "wire" in item:
        return position, Opaque(wire=string(item["wire"]), value=item["value"])
    return position, ToolCall(
        id=string(item["id"]),
        name=string(item["name"]),
        arguments=string(item["arguments"]),
        runs_on="provider",
        origin=string(item.get("origin", "")),
        extra=item["extra"] if item.get("extra").__class__ is dict else {},
    )


def arrange(placed: list[Placed]) -> tuple[Part, ...]:
    """Each part that knows its place goes there, the others fill up in the order they have."""
    if all(position is None for position, _ in placed):
        return tuple([part for _, part in placed])
    slots: list[Part | None] = [None] * len(placed)
    loose: list[Part] = []
    for position, part in placed:
        if position is not None and 0 <= position < len(slots) and slots[position] is None:
            slots[position] = part
        else:
            loose.append(part)
    filling = iter(loose)
    return tuple([part if part is not None else next(filling) for part in slots])


class Order:
    """Says which parts must tell their place; asked for each part in turn."""

    __slots__ = ("_highest", "_texts", "_thoughts")

    def __init__(self) -> None:
        self._highest = 0
        self._thoughts = 0
        self._texts = 0

    def position(self, index: int, part: Part) -> int | None:
        again = False
        match part:
            case Thinking():
                rank = 0
                self._thoughts += 1
                again = self._thoughts > 1
            case Text(extra=extra) if extra.get(FIELD) == "audio":
                rank = 1
            case Text():
                rank = 1
                self._texts += 1
                again = self._texts > 1
            case Media():
                rank = 1
            case Refusal():
                rank = 2
            case ToolCall(runs_on="client"):
                rank = 3
            case _:
                return index
        needed = again or rank < self._highest
        self._highest = max(self._highest, rank)
        return index if needed else None


def write_call(call: ToolCall, id: str, own: bool, custom: bool = False) -> JsonObject:
    """`custom`: the client's tool of this name takes free text; an own call says it itself."""
    extra = call.extra if own else {}
    if custom or extra.get("type") == CUSTOM:
        inner = {"name": call.name, "input": free_text.unwrap(call.arguments), **extra.get(CUSTOM, {})}
        return {"id": id, "type": CUSTOM, **extra, CUSTOM: inner}
    arguments: Json = call.arguments or "{}"
    if extra.get(SPELLED) == "object":
        arguments = msgspec.json.decode(arguments)
    out: JsonObject = {"id": id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
    for key, value in extra.items():
        if key == "function":
            out["function"].update(value)
        elif key not in (FIELD, SPELLED):
            out[key] = value
    return out


def write_function_call(call: ToolCall) -> JsonObject:
    extra = {key: value for key, value in call.extra.items() if key != FIELD}
    return {"name": call.name, "arguments": call.arguments, **extra}


def write_own_content(parts: tuple[Part, ...], spelling: dict[str, str]) -> Json:
    """`content` as this wire read it; None where there was none."""
    if len(parts) == 1 and not spelling and is_plain(parts[0]):
        return parts[0].text  # type: ignore[union-attr]
    held = [part for part in parts if _stands_in_content(part)]
    spelled = spelling.get("content")
    if spelled == "list" or not all(is_plain(part) for part in held):
        return [write_own(part) for part in held]
    if spelled == "object" and len(held) == 1:
        return msgspec.json.decode(held[0].text)  # type: ignore[union-attr]
    if not held:
        return "" if spelled == "empty" else None
    return "".join([part.text for part in held])  # type: ignore[union-attr]


def _stands_in_content(part: Part) -> bool:
    match part:
        case Text() | Media():
            return part.extra.get(FIELD) not in ("audio", "images")
        case Thinking():
            return part.extra.get(FIELD) in thinking_parts.FIELDS
        case Refusal():
            return part.extra.get(SPELLED) == "part"
        case Opaque():
            return part.wire == NAME
        case _:
            return False


def write_audio(parts: tuple[Part, ...]) -> JsonObject | None:
    """The `audio` object of an own answer."""
    out: JsonObject = {}
    for part in parts:
        match part:
            case Text(text=text, extra=extra) if extra.get(FIELD) == "audio":
                out["transcript"] = text
            case Media(source=source, extra=extra) if extra.get(FIELD) == "audio":
                out |= {"data": source.data} if isinstance(source, Inline) else {}
                out |= {"id": source.id} if isinstance(source, FileRef) else {}
                out |= extra.get("audio", {})
    return out or None


def write_annotations(parts: tuple[Part, ...]) -> list[JsonObject]:
    annotations, offset = [], 0
    for part in parts:
        if isinstance(part, Text):
            length = len(part.text)
            annotations += [write_citation(citation, offset, length) for citation in part.citations]
            offset += length
    return annotations


def _noted(part: Part, field: str) -> Part:
    if not isinstance(part, Media):
        return part
    return msgspec.structs.replace(part, extra={**part.extra, FIELD: field})
