"""Items of calls and their outputs, as they came; and how the client's id of a call carries a signature.

A tool call's signature (Gemini's) has no place in this format: it travels sealed behind a `~` in `call_id`, which every
client returns.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Part, Text, ToolCall, ToolResult
from tollbridge.model.response import Caveat
from tollbridge.wires import free_text
from tollbridge.wires.openai_responses.content import read_part, write_part
from tollbridge.wires.openai_responses.reasoning import read_reasoning
from tollbridge.wires.openai_responses.vocabulary import CALLS, FIELD, string, without
from tollbridge.wires.seal import PREFIX, Seals

SEALED_ID = "~" + PREFIX
UNSEALED = "The seal in a tool call's id was made under another key or changed on the way; it is not replayed."


class ItemReader:
    """Reads items; collects the Caveats of seals that did not open. `seals`: None where they are left as they are."""

    __slots__ = ("caveats", "seals")

    def __init__(self, seals: Seals | None) -> None:
        self.seals = seals
        self.caveats: list[Caveat] = []

    def reasoning(self, item: JsonObject) -> Part:
        return read_reasoning(item, self.seals, self.caveats)

    def call(self, item: JsonObject) -> ToolCall:
        kind = item["type"]
        extra = without(item, "type", "call_id", "name", CALLS[kind])
        text = string(item[CALLS[kind]])
        if kind != "function_call":
            extra[FIELD] = kind
            text = free_text.wrap(text)
        id, origin, account, signature = self._call_id(item["call_id"])
        return ToolCall(
            id=id,
            name=string(item["name"]),
            arguments=text,
            signature=signature,
            origin=origin,
            account=account,
            extra=extra,
        )

    def output(self, item: JsonObject) -> ToolResult:
        kind = item["type"]
        extra = without(item, "type", "call_id", "output")
        if kind != "function_call_output":
            extra[FIELD] = kind
        output = item["output"]
        spelling: dict[str, str] = {}
        content: tuple[Part, ...]
        if output.__class__ is str:
            content, spelling = (Text(text=output),), {"content": "string"}
        elif output.__class__ is list:
            content = tuple([read_part(part) for part in output])
        else:
            raise TypeError("output")
        return ToolResult(call_id=self._call_id(item["call_id"])[0], content=content, spelling=spelling, extra=extra)

    def _call_id(self, id: Json) -> tuple[str, str, str, str | None]:
        """(id, origin, account, signature): the id without the seal that may hang on it."""
        plain, found, seal = string(id).partition("~")
        if self.seals is None or not found or not seal.startswith(PREFIX):
            return id, "", "", None
        sealed = self.seals.open(seal)
        if sealed is None:
            self.caveats.append(Caveat(code="foreign_signature", where="$.input", detail=UNSEALED))
            return plain, "", "", None
        return plain, sealed.wire, sealed.account, sealed.payload


def write_call(call: ToolCall) -> JsonObject:
    kind = call.extra.get(FIELD, "function_call")
    return {
        "type": kind,
        "call_id": call.id,
        "name": call.name,
        CALLS[kind]: call.arguments if kind == "function_call" else free_text.unwrap(call.arguments),
        **without(call.extra, FIELD),
    }


def write_output(result: ToolResult) -> JsonObject:
    kind = result.extra.get(FIELD, "function_call_output")
    output: Json = [write_part(part) for part in result.content]
    if result.spelling.get("content") == "string" and len(output) == 1 and output[0].keys() == {"type", "text"}:
        output = output[0]["text"]
    return {"type": kind, "call_id": result.call_id, "output": output, **without(result.extra, FIELD)}
