"""Reasoning items, both ways.

    {"type": "reasoning", "id", "summary": [{"type": "summary_text", "text"}], "content": [{"type": "reasoning_text",
     "text"}], "encrypted_content"}

Rules
1. The text is the summary; where that is empty, the content. Its pieces are joined by blank lines, and `extra[BREAKS]`
   tells them apart again. What else there is stays in `extra`.
2. The signature is the item's id and its encrypted content, a line each: the provider takes the one only with the
   other, and reads an item without encrypted content by its id alone.
3. Another wire's thinking is shown as a summary, which is what every client shows to people; the seal of its signature
   stands in `encrypted_content`. One without a signature has a seal too: it says that it is not OpenAI's.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Thinking
from tollbridge.model.response import Caveat
from tollbridge.wires.openai_responses.vocabulary import (
    BETWEEN_PIECES,
    BREAKS,
    FIELD,
    NAME,
    SPELLED,
    string,
    take,
    without,
)
from tollbridge.wires.seal import Seals, is_seal

PIECES = {"summary": "summary_text", "content": "reasoning_text"}
UNSEALED = "The seal of a reasoning item was made under another key or changed on the way; it is not replayed."


def read_reasoning(item: JsonObject, seals: Seals | None, caveats: list[Caveat]) -> Thinking:
    """`seals`: None where they stay closed, as in an answer (another gateway's)."""
    rest = without(item, "type")
    id, encrypted = _filled(rest, "id"), _filled(rest, "encrypted_content")
    extra: JsonObject = {} if "summary" in rest else {SPELLED: "without summary"}
    if rest.get("summary") == []:
        del rest["summary"]
    pieces: list[str] = []
    for field, kind in PIECES.items():
        pieces = _texts(rest.get(field), kind)
        if pieces:
            del rest[field]
            extra.update({} if field == "summary" else {FIELD: field})
            break
    if len(pieces) > 1:
        extra[BREAKS] = [len(piece) for piece in pieces[:-1]]
    text = BETWEEN_PIECES.join(pieces)
    if seals is not None and encrypted is not None and is_seal(encrypted):
        return _opened(text, encrypted, seals, caveats)
    return Thinking(text=text, signature=write_signature(id, encrypted), origin=NAME, extra={**extra, **rest})


def _opened(text: str, seal: str, seals: Seals, caveats: list[Caveat]) -> Thinking:
    sealed = seals.open(seal)
    if sealed is None:
        caveats.append(Caveat(code="foreign_signature", where="$.input", detail=UNSEALED))
        return Thinking(text=text)
    return Thinking(text=text, signature=sealed.payload or None, origin=sealed.wire, account=sealed.account)


def _filled(rest: JsonObject, key: str) -> str | None:
    """A text out of `rest`; None, and left where it is, where it is empty, null or absent."""
    return take(rest, key, str) if rest.get(key) else None


def _texts(pieces: Json, kind: str) -> list[str]:
    """The texts of a list that holds nothing but them; none where it is another list, or none."""
    if pieces.__class__ is not list:
        return []
    if any(piece.keys() != {"type", "text"} or piece["type"] != kind for piece in pieces):
        return []
    texts = [string(piece["text"]) for piece in pieces]
    return texts if any(texts) else []


def write_signature(id: str | None, encrypted: str | None) -> str | None:
    return None if id is None and encrypted is None else f"{id or ''}\n{encrypted or ''}"


def read_signature(signature: str | None) -> tuple[str, str]:
    """(id, encrypted content), each "" where there is none."""
    id, _, encrypted = (signature or "").partition("\n")
    return id, encrypted


def pieces_of(thinking: Thinking) -> list[str]:
    """The pieces of its text; the text as one, where it was changed since."""
    text = thinking.text
    breaks = thinking.extra.get(BREAKS) or ()
    pieces, start = [], 0
    for length in breaks:
        end = start + length
        if text[end : end + len(BETWEEN_PIECES)] != BETWEEN_PIECES:
            return [text]
        pieces.append(text[start:end])
        start = end + len(BETWEEN_PIECES)
    return [*pieces, text[start:]] if text else []


def write_reasoning(thinking: Thinking) -> JsonObject:
    """An item that this wire signed, as it was."""
    id, encrypted = read_signature(thinking.signature)
    out: JsonObject = {"type": "reasoning"}
    if id:
        out["id"] = id
    extra = thinking.extra
    if extra.get(SPELLED) != "without summary":
        out["summary"] = []
    pieces = pieces_of(thinking)
    if pieces:
        field = extra.get(FIELD, "summary")
        out[field] = [{"type": PIECES[field], "text": piece} for piece in pieces]
    if encrypted:
        out["encrypted_content"] = encrypted
    out.update(without(extra, FIELD, SPELLED, BREAKS))
    return out
