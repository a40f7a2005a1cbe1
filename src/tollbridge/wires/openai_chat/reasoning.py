"""Thinking, in the fields that the chat format grew for it.

    reasoning_content, reasoning    the text alone
    reasoning_details               OpenRouter: texts with signatures, summaries, encrypted reasoning
                                    https://openrouter.ai/docs/use-cases/reasoning-tokens (seen 2026-11-21)
    thinking_blocks                 Anthropic's blocks as they are: {type: thinking, thinking, signature} and
                                    {type: redacted_thinking, data}, with `position` where the order matters

Rules
1. Often two fields tell the same. The richer one is read, the other is only noted: `extra[FIELD]` of the first Thinking
   names the fields ("reasoning,reasoning_details"). A text that tells something else stays where it was, in the
   message's `extra`.
2. A signature in `thinking_blocks` is Anthropic's, unless it is a seal of ours; one in `reasoning_details` is this
   wire's own. Text without a signature has no origin: `origin` says who signed.
3. Seals are opened in requests alone. In an answer (another gateway's) they stay as they are: whoever brings them back
   will have them opened by the one who closed them.
"""

from __future__ import annotations

from collections.abc import Iterable

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Thinking
from tollbridge.model.response import Caveat
from tollbridge.wires.openai_chat.vocabulary import ANTHROPIC, FIELD, GEMINI, NAME, SPELLED, string
from tollbridge.wires.seal import Seals, is_seal

PLAIN = ("reasoning_content", "reasoning")
FIELDS = frozenset({*PLAIN, "reasoning_details", "thinking_blocks"})
DETAIL_TYPES = {"reasoning.text": "text", "reasoning.summary": "summary", "reasoning.encrypted": "data"}
BARE = "bare"  # of a detail that does not have its field at all, in `extra[SPELLED]`

Placed = tuple[int | None, Thinking]


def take_reasoning(rest: JsonObject, seals: Seals | None, caveats: list[Caveat]) -> list[Placed]:
    """The thinking out of a message, with positions where they are told."""
    blocks, details = rest.get("thinking_blocks"), rest.get("reasoning_details")
    if blocks and blocks.__class__ is list:
        placed = [read_block(block, seals, caveats) for block in rest.pop("thinking_blocks")]
        kept = [item for item in placed if item is not None]
        return _with_plain(rest, kept, "thinking_blocks")
    if details and details.__class__ is list and all(_is_known(detail) for detail in details):
        read = [(None, read_detail(detail)) for detail in rest.pop("reasoning_details")]
        return _with_plain(rest, [*read], "reasoning_details")
    for field in PLAIN:
        text = rest.get(field)
        if text and text.__class__ is str:
            return _with_plain(rest, [(None, Thinking(text=text))], "")
    return []


def _with_plain(rest: JsonObject, placed: list[Placed], field: str) -> list[Placed]:
    """Take out the plain fields that repeat these thoughts, and note in which fields they stood."""
    said = "".join([thinking.text for _, thinking in placed])
    fields = [plain for plain in PLAIN if rest.get(plain) == said and said]
    for plain in fields:
        del rest[plain]
    if field:
        fields.append(field)
    note = ",".join(fields)
    if note == "reasoning_content" or not placed:
        return placed
    position, first = placed[0]
    return [(position, noted(first, note)), *placed[1:]]


def noted(thinking: Thinking, fields: str) -> Thinking:
    return Thinking(
        text=thinking.text,
        signature=thinking.signature,
        redacted=thinking.redacted,
        origin=thinking.origin,
        account=thinking.account,
        extra={FIELD: fields, **thinking.extra},
    )


def fields_of(thoughts: Iterable[Thinking]) -> set[str]:
    """The fields in which thoughts of this wire stood."""
    first = next(iter(thoughts), None)
    if first is None:
        return set()
    return set(str(first.extra.get(FIELD, "reasoning_content")).split(","))


# reasoning_details


def _is_known(detail: Json) -> bool:
    return detail.__class__ is dict and detail.get("type") in DETAIL_TYPES


def read_detail(detail: JsonObject) -> Thinking:
    rest = dict(detail)
    kind = rest["type"]
    if kind == "reasoning.text":
        del rest["type"]
    key = DETAIL_TYPES[kind]
    signature = rest.pop("signature") if rest.get("signature").__class__ is str else None
    if kind == "reasoning.encrypted" and rest.get("data").__class__ is str:
        del rest["type"]
        return Thinking(signature=rest.pop("data"), redacted=True, origin=NAME, extra=rest)
    if key not in rest:
        rest[SPELLED] = BARE
    text = rest.pop(key) if rest.get(key).__class__ is str else ""
    return Thinking(text=text, signature=signature, origin=NAME, extra=rest)


def write_detail(thinking: Thinking) -> JsonObject:
    extra = {key: value for key, value in thinking.extra.items() if key not in (FIELD, SPELLED)}
    kind = extra.pop("type", "reasoning.encrypted" if thinking.redacted else "reasoning.text")
    told = (thinking.signature or "") if kind == "reasoning.encrypted" else thinking.text
    out: JsonObject = {"type": kind, DETAIL_TYPES[kind]: told}
    if not told and thinking.extra.get(SPELLED) == BARE:
        del out[DETAIL_TYPES[kind]]
    if kind == "reasoning.encrypted":
        return {**out, **extra}
    if thinking.signature is not None:
        out["signature"] = thinking.signature
    return {**out, **extra}


# thinking_blocks


def read_block(block: JsonObject, seals: Seals | None, caveats: list[Caveat]) -> Placed | None:
    """None where nothing is left of it: redacted thinking whose seal does not open."""
    rest = dict(block)
    rest.pop("index", None)  # of the pieces of a stream
    kind = rest.pop("type")
    position = rest.pop("position") if rest.get("position").__class__ is int else None
    redacted = kind == "redacted_thinking"
    if redacted:
        signature, text = string(rest.pop("data")), ""
    elif kind == "thinking":
        text = string(rest.pop("thinking"))
        signature = rest.pop("signature") if rest.get("signature").__class__ is str else ""
    else:
        raise TypeError("thinking_blocks")
    if seals is None:
        return position, Thinking(
            text=text, signature=signature or None, redacted=redacted, origin=ANTHROPIC, extra=rest
        )
    origin, account, opened = open_signature(signature, ANTHROPIC, seals, caveats, "a thinking block")
    if redacted and opened is None:
        return None
    return position, Thinking(
        text=text, signature=opened, redacted=redacted, origin=origin, account=account, extra=rest
    )


def open_signature(
    signature: str, plain_origin: str, seals: Seals | None, caveats: list[Caveat], what: str
) -> tuple[str, str, str | None]:
    """(origin, account, signature); the last is None where there is none that could be replayed."""
    if not signature:
        return "", "", None
    if seals is None or not is_seal(signature):
        return plain_origin, "", signature
    sealed = seals.open(signature)
    if sealed is None:
        caveats.append(
            Caveat(
                code="foreign_signature",
                where="$.messages",
                detail=f"The seal of {what} was made under another key or changed on the way; it is not replayed.",
            )
        )
        return "", "", None
    return sealed.wire, sealed.account, sealed.payload


def write_block(thinking: Thinking, seals: Seals, account: str, position: int | None) -> JsonObject:
    signature = close_signature(thinking.signature, thinking.origin, thinking.account or account, seals)
    if thinking.redacted:
        out: JsonObject = {"type": "redacted_thinking", "data": signature or ""}
    else:
        out = {"type": "thinking", "thinking": thinking.text}
        if signature:
            out["signature"] = signature
    if position is not None:
        out["position"] = position
    return out


def close_signature(signature: str | None, origin: str, account: str, seals: Seals) -> str | None:
    """As it goes to a client: raw where the field is by convention its maker's, sealed else."""
    if not signature or origin == ANTHROPIC:
        return signature
    return seals.close(origin, account, signature)


def close_call_signature(signature: str, origin: str, account: str, seals: Seals) -> str:
    """The same for a tool call's, in `provider_specific_fields.thought_signature`."""
    return signature if origin == GEMINI else seals.close(origin, account, signature)
