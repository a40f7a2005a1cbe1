"""Thinking as a part of the content, in the two forms that there are.

    {type: thinking, thinking: [{type: text, text}]}                        Mistral; the inner list may be a string
    {type: reasoning, summary: [{type: summary_text, text, signature}]}     Databricks; what is withheld is
                                                                            {type: summary_encrypted_text, data}

A part with more than one piece, or with pieces of another kind, stays as it is (Opaque).
https://docs.mistral.ai/capabilities/reasoning (seen 2026-11-21),
https://docs.databricks.com/aws/en/machine-learning/model-serving/query-reason-models (seen 2026-11-26)
"""

from __future__ import annotations

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Opaque, Part, Thinking
from tollbridge.wires.openai_chat.vocabulary import FIELD, NAME, SPELLED, string

THINKING, REASONING = "thinking_parts", "reasoning_parts"
FIELDS = frozenset({THINKING, REASONING})
_SUMMARY = frozenset({"type", "text", "signature"})
_ENCRYPTED = frozenset({"type", "data"})


def read_thinking_part(part: JsonObject) -> Part:
    pieces = part["thinking"]
    rest = {key: value for key, value in part.items() if key not in ("type", "thinking")}
    if pieces.__class__ is str:
        return Thinking(text=pieces, origin=NAME, extra={FIELD: THINKING, SPELLED: "string", **rest})
    if len(pieces) != 1 or pieces[0].keys() != {"type", "text"} or pieces[0]["type"] != "text":
        return Opaque(wire=NAME, value=part)
    return Thinking(text=string(pieces[0]["text"]), origin=NAME, extra={FIELD: THINKING, **rest})


def read_reasoning_part(part: JsonObject) -> Part:
    pieces = part["summary"]
    if len(pieces) != 1 or pieces[0].__class__ is not dict:
        return Opaque(wire=NAME, value=part)
    (piece,) = pieces
    extra = {FIELD: REASONING, **{key: value for key, value in part.items() if key not in ("type", "summary")}}
    if piece.get("type") == "summary_encrypted_text" and piece.keys() == _ENCRYPTED:
        return Thinking(signature=string(piece["data"]), redacted=True, origin=NAME, extra=extra)
    signature = piece.get("signature")
    if piece.get("type") != "summary_text" or not piece.keys() <= _SUMMARY or signature == "":
        return Opaque(wire=NAME, value=part)
    if "signature" in piece and signature is None:
        extra[SPELLED] = "null signature"
    return Thinking(
        text=string(piece["text"]),
        signature=None if signature is None else string(signature),
        origin=NAME,
        extra=extra,
    )


def write_thinking_part(part: Thinking) -> JsonObject:
    """As its own field's form; `extra` aside, which the caller knows."""
    if part.extra.get(FIELD) != REASONING:
        spelled = part.extra.get(SPELLED) == "string"
        return {"type": "thinking", "thinking": part.text if spelled else [{"type": "text", "text": part.text}]}
    if part.redacted:
        return {"type": "reasoning", "summary": [{"type": "summary_encrypted_text", "data": part.signature or ""}]}
    piece: JsonObject = {"type": "summary_text", "text": part.text}
    if part.signature or part.extra.get(SPELLED) == "null signature":
        piece["signature"] = part.signature
    return {"type": "reasoning", "summary": [piece]}
