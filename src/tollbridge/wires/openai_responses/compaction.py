"""A conversation made shorter: `/v1/responses/compact`, and the item that stands for what was left out.

    {"model", "input", "instructions", "previous_response_id"}
    {"id", "object": "response.compaction", "created_at", "output": [user's messages, {"type": "compaction", "id",
     "encrypted_content"}], "usage"}

https://platform.openai.com/docs/api-reference/responses/compact (seen 2026-11-26), and a recorded exchange.

1. Who speaks the format makes it, and alone can read what it encrypted. Any other model is asked for a summary; it
   stands sealed in `encrypted_content`, authenticated and not secret, so that any model can go on from it.
2. What is kept as it is are the user's messages, as OpenAI keeps them.
3. A summary is asked of the conversation as text: calls of tools and what they gave are told in words, for a request
   without tools may have no calls in it. What a provider ran itself, and reasoning, are not told.
"""

from __future__ import annotations

from collections.abc import Iterator

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Text
from tollbridge.model.request import Message
from tollbridge.model.response import Caveat
from tollbridge.wires.openai_responses.vocabulary import CALLS, made_id
from tollbridge.wires.seal import Seals, is_seal

KIND = "compaction"
OBJECT = "response.compaction"
ASKED = (
    "Summarize the conversation so far, for yourself: you will go on from the summary alone. Say what is asked for "
    "and how, what was decided, found out and done, and what is left to do. Keep facts, names, numbers, paths and "
    "code that are needed word for word. Write the summary and nothing else."
)
TOLD = "Summary of the conversation before this, which is not shown:\n\n"
UNSEALED = "The seal of a compaction item was made under another key or changed on the way; what it stood for is lost."
_SETTINGS = ("model", "instructions", "prompt_cache_key", "service_tier", "max_output_tokens", "reasoning", "user")


def asks_for_summary(body: JsonObject) -> JsonObject:
    """The request for a summary of the conversation in `body`, in this format."""
    said = {name: body[name] for name in _SETTINGS if body.get(name) is not None}
    return {**said, "input": [*_as_text(items_of(body)), _message("user", ASKED)], "store": False}


def compacted(body: JsonObject, answer: JsonObject, created: int, seals: Seals) -> JsonObject:
    """`answer`: what was answered to `asks_for_summary(body)`. Raises BadGatewayError where that is no summary."""
    summary = "\n\n".join(_said(answer))
    if not summary:
        raise BadGatewayError("The model gave no summary of the conversation.")
    id = str(answer.get("id") or made_id("resp", summary))
    kept: list[Json] = [
        {"type": "message", "id": made_id("msg", id, at), "status": "completed", "role": "user", "content": content}
        for at, content in enumerate(_of_user(items_of(body)))
    ]
    sealed = seals.close(KIND, "", summary)
    item: JsonObject = {"type": KIND, "id": made_id("cmp", id), "encrypted_content": sealed}
    return {
        "id": id,
        "object": OBJECT,
        "created_at": created,
        "output": [*kept, item],
        "usage": answer.get("usage"),
    }


def opened(item: JsonObject, seals: Seals | None, caveats: list[Caveat]) -> Message | None:
    """The message that a compaction of ours stands for; None where it is somebody else's."""
    sealed = item.get("encrypted_content")
    if seals is None or not isinstance(sealed, str) or not is_seal(sealed):
        return None
    found = seals.open(sealed)
    if found is None or found.wire != KIND:
        caveats.append(Caveat(code="foreign_signature", where="$.input", detail=UNSEALED))
        return None
    return Message(role="user", parts=(Text(text=TOLD + found.payload),))


def items_of(body: JsonObject) -> list[JsonObject]:
    given = body.get("input")
    if given.__class__ is str:
        return [_message("user", given)]
    return [item for item in given or () if isinstance(item, dict)]


def _as_text(items: list[JsonObject]) -> Iterator[JsonObject]:
    names: dict[Json, Json] = {}
    for item in items:
        kind = item.get("type", "message")
        if kind in ("message", KIND):
            yield item
        elif kind in CALLS:
            names[item.get("call_id")] = item.get("name")
            yield _message("assistant", f"[I called {item.get('name')}: {item.get(CALLS[kind])}]")
        elif str(kind).endswith("_call_output"):
            yield from _output(item, names.get(item.get("call_id")))


def _output(item: JsonObject, name: Json) -> Iterator[JsonObject]:
    given = item.get("output")
    if given.__class__ is str:
        yield _message("user", f"[{name or 'The tool'} gave: {given}]")
    elif given.__class__ is list:
        yield {"type": "message", "role": "user", "content": [_text(f"[{name or 'The tool'} gave:]"), *given]}


def _message(role: str, text: str) -> JsonObject:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def _text(text: str) -> JsonObject:
    return {"type": "input_text", "text": text}


def _of_user(items: list[JsonObject]) -> Iterator[Json]:
    for item in items:
        if item.get("type", "message") == "message" and item.get("role") == "user":
            content = item.get("content")
            yield [_text(content)] if isinstance(content, str) else content


def _said(answer: JsonObject) -> Iterator[str]:
    for item in answer.get("output") or ():
        if item.get("type") == "message":
            for part in item.get("content") or ():
                if part.get("type") == "output_text" and part.get("text"):
                    yield part["text"]
