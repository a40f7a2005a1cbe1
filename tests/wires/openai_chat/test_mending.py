"""What OpenAI's own SDK breaks over is mended in relayed answers, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.shared import SHARED
from tollbridge.wires.openai_chat.mending import MendingTap, mend
from tollbridge.wires.openai_chat.tap import ChatTap

RECORDINGS = SHARED / "recordings"
CALL = {"id": "a1", "function": {"name": "look", "arguments": '{"at": "sky"}'}}
PAGE = {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 1}
CITED = {"type": "url_citation", "url_citation": PAGE}


def whole(*calls: Any) -> bytes:
    message = {"role": "assistant", "content": None, "tool_calls": list(calls)}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return json.dumps(
        {"id": "r", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    ).encode()


def event(**delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    said = {"id": "r", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: %b\n\n" % json.dumps(said).encode()


def told(*blocks: bytes) -> list[dict[str, Any]]:
    tap = MendingTap(False)
    data = b"".join(map(tap.feed, blocks))
    return [json.loads(line[6:])["choices"][0]["delta"] for line in data.split(b"\n\n") if line.startswith(b"data: {")]


def client(body: bytes, kind: str) -> openai.OpenAI:
    answer = httpx.MockTransport(lambda _: httpx.Response(200, headers={"content-type": kind}, content=body))
    return openai.OpenAI(api_key="k", base_url="http://x.example", http_client=httpx.Client(transport=answer))


def final(body: bytes) -> Any:
    asking = client(body, "text/event-stream")
    with asking, asking.chat.completions.stream(model="m", messages=[]) as stream:
        return stream.get_final_completion().choices[0].message


# Whole answers


def test_a_call_without_a_type_is_a_function_call() -> None:
    call = json.loads(mend(whole(CALL)))["choices"][0]["message"]["tool_calls"][0]
    assert call == {**CALL, "type": "function"}
    with client(mend(whole(CALL)), "application/json") as asking:
        read = asking.chat.completions.create(model="m", messages=[])
    assert [one.type for one in read.choices[0].message.tool_calls or ()] == ["function"]


@pytest.mark.parametrize(
    "body",
    [
        whole({**CALL, "type": "function"}),
        whole({"id": "c", "custom": {"name": "x", "input": ""}}),
        b'{"choices":[{"message":{"tool_calls":null}}]}',
        b'{"choices": "tool_calls"}',
        b'["tool_calls"]',
        b'{"tool_calls"',
    ],
)
def test_an_answer_that_lacks_nothing_goes_on_byte_for_byte(body: bytes) -> None:
    assert mend(body) is body


# Streams


def test_items_without_an_index_are_numbered_through_a_stream() -> None:
    deltas = told(event(content="A"), event(annotations=[CITED]), event(annotations=[CITED, CITED]))
    assert [[item["index"] for item in delta["annotations"]] for delta in deltas[1:]] == [[0], [1, 2]]


def test_pieces_of_one_thought_have_one_number() -> None:
    pieces = [{"type": "reasoning.text", "text": "a"}, {"type": "reasoning.text", "text": "b"}]
    signed = {"type": "reasoning.encrypted", "data": "x"}
    deltas = told(*(event(reasoning_details=[piece]) for piece in (*pieces, signed)))
    assert [delta["reasoning_details"][0]["index"] for delta in deltas] == [0, 0, 1]


def test_an_index_that_is_there_is_kept() -> None:
    block = event(tool_calls=[{"index": 0, "type": "function", **CALL}]) + event(content='"annotations":')
    assert MendingTap(False).feed(block) is not None
    assert MendingTap(False).feed(block) == block


def test_comments_and_what_is_no_json_between_events_stay() -> None:
    block = b": PROCESSING\n\n" + event(annotations=[CITED]) + b'data: {"annotations":\n\n'
    mended = MendingTap(False).feed(block)
    assert mended.startswith(b": PROCESSING\n\ndata: {")
    assert mended.endswith(b'data: {"annotations":\n\n')
    assert b'"index":0,' in mended or b'"index":0}' in mended


def test_the_sdk_puts_a_mended_stream_together() -> None:
    done = b"data: [DONE]\n\n"
    stream = event(role="assistant", content="See A.") + event(annotations=[CITED]) + event(tool_calls=[CALL]) + done
    with pytest.raises((RuntimeError, TypeError)):
        final(stream)
    message = final(MendingTap(False).feed(stream))
    assert [one.url_citation.url for one in message.annotations] == ["https://a.example"]
    assert [(one.type, one.function.name) for one in message.tool_calls] == [("function", "look")]


def streams(provider: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted((RECORDINGS / provider).glob("*chat_completions*.json")):
        recording = json.loads(Path(path).read_text())
        if recording.get("response_text") and recording["status"] == 200:
            yield path.name, recording["response_text"].encode()


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not beside the repository")
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # content in a list, which its types do not have
@pytest.mark.parametrize("provider", ["mistral", "openrouter"])
def test_every_recorded_stream_of_these_vendors_is_one_for_the_sdk(provider: str) -> None:
    count = 0
    for name, body in streams(provider):
        try:
            final(MendingTap(False).feed(body))
        except openai.LengthFinishReasonError:
            pass  # it came whole
        except (RuntimeError, TypeError) as error:
            raise AssertionError(name) from error
        count += 1
    assert count >= 10


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not beside the repository")
def test_every_other_stream_goes_on_byte_for_byte() -> None:
    for _, body in streams("openai"):
        tap, usual = MendingTap(False), ChatTap(False)
        assert tap.feed(body) == usual.feed(body) == body
        assert tap.said == usual.said
