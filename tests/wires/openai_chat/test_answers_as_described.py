"""What was answered in another format, told in this one: each field that OpenAI's description of its API calls required
is there, and the SDK's types take it.

https://github.com/openai/openai-openapi, `CreateChatCompletionResponse`, `ChatCompletionResponseMessage` and
`CreateChatCompletionStreamResponse` (seen 2026-11-27).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.wires import laws
from tests.wires.test_cross_wire import WIRES, exchanges_of
from tollbridge.errors import APIError
from tollbridge.wires.base import Head
from tollbridge.wires.openai_chat import OPENAI_CHAT as WIRE
from tollbridge.wires.seal import Seals

SEALS = Seals(b"k" * 32)
OTHERS = ("anthropic_messages", "gemini", "openai_responses")
WHOLE = {"id", "object", "created", "model", "choices"}
CHOICE = {"index", "message", "finish_reason", "logprobs"}
MESSAGE = {"role", "content", "refusal"}
CALL = {"id", "type", "function"}
CHUNK_CHOICE = {"index", "delta", "finish_reason"}


def lacking(found: dict[str, Any]) -> Iterator[str]:
    yield from WHOLE - found.keys()
    for choice in found["choices"]:
        yield from CHOICE - choice.keys()
        yield from MESSAGE - choice["message"].keys()
        for call in choice["message"].get("tool_calls") or ():
            yield from CALL - call.keys()


@pytest.mark.parametrize("origin", OTHERS)
def test_an_answer_of_another_format_has_every_field_that_openai_describes(origin: str) -> None:
    for name, _, answer, _ in exchanges_of(origin):
        if answer is None:
            continue
        try:
            read = WIRES[origin].read_response(answer)
        except APIError:
            continue
        found = laws.through_json(WIRE.write_response(read, SEALS).value)
        assert not list(lacking(found)), name
        if any(choice["finish_reason"] is None for choice in found["choices"]):
            continue  # it has not ended, for which the description has no word
        ChatCompletion.model_validate(found)


@pytest.mark.parametrize("origin", OTHERS)
def test_chunks_of_another_format_have_every_field_that_openai_describes(origin: str) -> None:
    for name, _, _, stream in exchanges_of(origin):
        if stream is None:
            continue
        try:
            events = laws.read_stream(WIRES[origin], stream)
        except APIError:
            continue
        writer = WIRE.stream_writer(Head(id="req_1", model="m", created=1, origin=origin, account="acc", seals=SEALS))
        told = b"".join([*(writer.write(event) for event in events), writer.close()])
        for event in laws.frame(told):
            if event.data == "[DONE]":
                continue
            found = msgspec.json.decode(event.data)
            assert not WHOLE - found.keys(), name
            for choice in found["choices"]:
                assert not CHUNK_CHOICE - choice.keys(), name
            ChatCompletionChunk.model_validate(found)
