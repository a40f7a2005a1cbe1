"""Reading along an answer that is relayed in this format. Inside a JSON string the quotes of a pattern would be
escaped, so text never looks like one.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import JsonObject
from tollbridge.model.response import COUNT_MAX, Usage
from tollbridge.wires.openai_chat.errors import read_inner_error
from tollbridge.wires.openai_chat.usage import read_usage
from tollbridge.wires.openai_chat.vocabulary import NAME
from tollbridge.wires.tap import (
    Along,
    Tail,
    data_of,
    decode_object,
    event_around,
    first_object,
    speaks,
    text_of,
)

_NO_CHOICES = (b'"choices":[]', b'"choices": []')


class ChatTap:
    """Usage is in the last chunk, in each, or in `x_groq`; the end is `[DONE]`, or a finish reason and the end of the
    body (some providers send no `[DONE]`)."""

    __slots__ = ("_first", "_hides_usage", "_tail", "ending", "spoke")

    def __init__(self, hides_usage: bool) -> None:
        self._hides_usage = hides_usage
        self._tail = Tail()
        self._first = b""
        self.spoke = self.ending = False

    def feed(self, block: bytes) -> bytes:
        if not self.spoke and speaks(block):
            self.spoke = True
            self._first = block
        self._tail.add(block)
        self.ending = block.find(b"[DONE]") >= 0
        if self._hides_usage and (block.find(_NO_CHOICES[0]) >= 0 or block.find(_NO_CHOICES[1]) >= 0):
            return _without_ours(block)
        return block

    @property
    def said(self) -> Along:
        first = first_object(self._first)
        return Along(self._usage(), text_of(first.get("id")), text_of(first.get("service_tier")) or None)

    def _usage(self) -> Usage | None:
        for data in self._tail.events():
            if data.find(b'"usage"') >= 0:
                usage = usage_of(decode_object(data) or {})
                if usage is not None:
                    return usage
        return None

    @property
    def final(self) -> bool:
        return self.ended

    @property
    def ended(self) -> bool:
        return self.marked or any(_finishes(data) for data in self._tail.events())

    @property
    def marked(self) -> bool:
        return any(data.strip() == b"[DONE]" for data in self._tail.events())


def usage_of(chunk: JsonObject) -> Usage | None:
    """Where a chunk tells its usage: at the top, or in Groq's corner."""
    usage = chunk.get("usage")
    if usage is None and isinstance(chunk.get("x_groq"), dict):
        usage = chunk["x_groq"].get("usage")
    return read_usage(usage)


def _without_ours(block: bytes) -> bytes:
    """The block without the usage chunk: no choices, and usage."""
    for needle in _NO_CHOICES:
        at = block.find(needle)
        while at >= 0:
            start, end = event_around(block, at)
            chunk = decode_object(data_of(block[start:end]))
            if chunk is not None and chunk.get("choices") == [] and usage_of(chunk) is not None:
                block = block[:start] + block[end:]
                end = start
            at = block.find(needle, end)
    return block


def _finishes(data: bytes) -> bool:
    if data.find(b'"finish_reason"') < 0:
        return False
    choices = (decode_object(data) or {}).get("choices")
    return isinstance(choices, list) and any(isinstance(c, dict) and c.get("finish_reason") for c in choices)


_Count = Annotated[int, msgspec.Meta(ge=0, le=COUNT_MAX)]


class _PromptDetails(msgspec.Struct, forbid_unknown_fields=True):
    cached_tokens: _Count | None = None
    audio_tokens: _Count | None = None


class _CompletionDetails(msgspec.Struct, forbid_unknown_fields=True):
    reasoning_tokens: _Count | None = None
    audio_tokens: _Count | None = None
    accepted_prediction_tokens: _Count | None = None
    rejected_prediction_tokens: _Count | None = None


class _CommonUsage(msgspec.Struct, forbid_unknown_fields=True):
    prompt_tokens: _Count
    completion_tokens: _Count
    total_tokens: int
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Common(msgspec.Struct):
    """What nearly every answer looks like, read without a dict in between."""

    choices: msgspec.Raw
    usage: _CommonUsage
    id: str
    service_tier: str | None = None


_common = msgspec.json.Decoder(_Common).decode
_NO_PROMPT, _NO_COMPLETION = _PromptDetails(), _CompletionDetails()


def read_along(body: bytes) -> Along:
    """What a relayed answer says of itself. Raises BadGatewayError where the body is not an answer of this format."""
    try:
        answer = _common(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_along_uncommon(body)
    common = answer.usage
    if common.total_tokens != common.prompt_tokens + common.completion_tokens:
        return _read_along_uncommon(body)
    prompt, completion = common.prompt_tokens_details or _NO_PROMPT, common.completion_tokens_details or _NO_COMPLETION
    usage = Usage(
        input=common.prompt_tokens,
        output=common.completion_tokens,
        cache_read=prompt.cached_tokens,
        reasoning=completion.reasoning_tokens,
        audio_input=prompt.audio_tokens,
        audio_output=completion.audio_tokens,
        accepted_prediction=completion.accepted_prediction_tokens,
        rejected_prediction=completion.rejected_prediction_tokens,
        origin=NAME,
    )
    return Along(usage, answer.id, answer.service_tier)


def _read_along_uncommon(body: bytes) -> Along:
    answer = decode_object(body)
    if answer is None:
        raise BadGatewayError("The provider's answer is not the JSON of a chat completion.")
    if answer.get("error") and not answer.get("choices"):
        raise read_inner_error(answer)
    if "choices" not in answer:
        raise BadGatewayError("The provider's answer is JSON, but no chat completion.")
    usage = usage_of(answer)
    return Along(usage, text_of(answer.get("id")), text_of(answer.get("service_tier")) or None)
