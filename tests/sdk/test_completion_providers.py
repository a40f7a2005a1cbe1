"""`completion` against recorded providers over real sockets: what comes back, and what was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

import tollbridge
from tests.sdk.replay import Replay, recorded
from tollbridge import acompletion, completion, stream_chunk_builder

HELLO = [{"role": "user", "content": "Hello"}]
TOOLS = [{"type": "function", "function": {"name": "t", "parameters": {"type": "object", "properties": {}}}}]

OPENAI = "openai-chat_completions-0122327b0ed5"
OPENAI_STREAM = "openai-chat_completions-05bc2bc5a8a6"
OPENAI_TOOLS = "openai-chat_completions-0646fea99a4a"
OPENAI_TOOLS_STREAM = "openai-chat_completions-1cc59efe5b6a"
OPENAI_401 = "openai-chat_completions-26228148b85f"
OPENAI_404 = "openai-chat_completions-583511c621df"
AZURE_STREAM = "azure-chat_completions-52707490e385"
AZURE_429 = "azure-chat_completions-8c5d0d464250"
ANTHROPIC = "anthropic-messages-095c24ed1fe3"
ANTHROPIC_STREAM = "anthropic-messages-0a8aa6731ef2"
ANTHROPIC_TOOLS = "anthropic-messages-0395e46a4bfb"
ANTHROPIC_TOOLS_STREAM = "anthropic-messages-06fd6d9a80fe"
ANTHROPIC_THINKING_TOOLS = "anthropic-messages-5a1a8e406f05"
ANTHROPIC_THINKING_STREAM = "anthropic-messages-63a854a4b011"
ANTHROPIC_401 = "anthropic-messages-40ad95c318d8"
ANTHROPIC_404 = "anthropic-messages-20a4848e333a"
GROQ_STREAM_ERROR = "groq-chat_completions-eac0d9feaa12"

pytestmark = pytest.mark.usefixtures("no_keys")


def _claude(replay: Replay, id: str, **options: object) -> dict[str, Any]:
    return {"model": "claude-sonnet-4-0", "api_base": replay.base(id, **options), "api_key": "sk-ant-x"}


def _gpt(replay: Replay, id: str, **options: object) -> dict[str, Any]:
    return {"model": "gpt-4o", "api_base": replay.openai(id, **options), "api_key": "sk-x"}


def _texts(body: dict[str, Any]) -> str:
    return "".join(block["text"] for block in body["content"] if block["type"] == "text")


def _deltas(id: str) -> list[dict[str, Any]]:
    lines = recorded(id)["response_text"].splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


# answers


def test_openais_answer_is_the_recorded_one(replay: Replay) -> None:
    response = completion(messages=HELLO, temperature=0.5, **_gpt(replay, OPENAI))
    assert response.model_dump() == recorded(OPENAI)["response_body"]
    assert response._hidden_params["custom_llm_provider"] == "openai"
    assert response._hidden_params["api_base"] == replay.address
    (sent,) = replay.captures()
    assert sent["path"] == "/v1/chat/completions"
    assert sent["body"] == {"model": "gpt-4o", "messages": HELLO, "temperature": 0.5}
    assert sent["headers"]["authorization"]


async def test_anthropics_answer_is_told_in_openais_words(replay: Replay) -> None:
    response = await acompletion(messages=HELLO, max_tokens=10, stop="x", **_claude(replay, ANTHROPIC))
    body = recorded(ANTHROPIC)["response_body"]
    assert response.choices[0].message.content == _texts(body)
    assert response.usage.completion_tokens == body["usage"]["output_tokens"]
    assert response.object == "chat.completion"
    (sent,) = replay.captures()
    assert sent["path"] == "/v1/messages"
    assert sent["headers"]["anthropic-version"]
    assert sent["body"]["max_tokens"] == 10
    assert sent["body"]["stop_sequences"] == ["x"]


def test_a_stream_of_openais_gives_the_recorded_pieces(replay: Replay) -> None:
    stream = completion(messages=HELLO, stream=True, **_gpt(replay, OPENAI_STREAM))
    chunks = list(stream)
    told = [chunk for chunk in _deltas(OPENAI_STREAM) if chunk["choices"]]
    assert [chunk.choices[0].delta.content for chunk in chunks] == [
        chunk["choices"][0]["delta"].get("content") for chunk in told
    ]
    assert stream.usage is not None  # asked for by us, and hidden
    (sent,) = replay.captures()
    assert sent["body"]["stream_options"] == {"include_usage": True}


async def test_a_stream_of_anthropics_gives_its_text_and_usage(replay: Replay) -> None:
    stream = await acompletion(messages=HELLO, stream=True, **_claude(replay, ANTHROPIC_STREAM))
    chunks = [chunk async for chunk in stream]
    expected = "".join(d["delta"].get("text", "") for d in _deltas(ANTHROPIC_STREAM) if "delta" in d)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == expected
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert stream.usage is not None
    assert stream_chunk_builder(chunks).choices[0].message.content == expected


def test_tool_calls_of_both_come_in_one_shape(replay: Replay) -> None:
    ours = completion(messages=HELLO, tools=TOOLS, **_gpt(replay, OPENAI_TOOLS)).choices[0]
    theirs = completion(messages=HELLO, tools=TOOLS, **_claude(replay, ANTHROPIC_TOOLS)).choices[0]
    for choice in (ours, theirs):
        assert choice.finish_reason in ("tool_calls", "stop")
        for call in choice.message.tool_calls:
            assert call.id
            assert call.type == "function"
            assert isinstance(json.loads(call.function.arguments), dict)
    recorded_calls = [b for b in recorded(ANTHROPIC_TOOLS)["response_body"]["content"] if b["type"] == "tool_use"]
    assert [json.loads(c.function.arguments) for c in theirs.message.tool_calls] == [b["input"] for b in recorded_calls]


def test_streamed_tool_calls_of_both_add_up(replay: Replay) -> None:
    for call in (_gpt(replay, OPENAI_TOOLS_STREAM), _claude(replay, ANTHROPIC_TOOLS_STREAM)):
        chunks = list(completion(messages=HELLO, tools=TOOLS, stream=True, **call))
        assert any(chunk.choices[0].delta.tool_calls for chunk in chunks)
        built = stream_chunk_builder(chunks).choices[0].message
        assert all(isinstance(json.loads(call.function.arguments), dict) for call in built.tool_calls)


def test_a_signature_goes_back_to_anthropic_with_the_next_turn(replay: Replay) -> None:
    """Whole and streamed: the message that came is put into `messages` as it is."""
    for id, stream in ((ANTHROPIC_THINKING_TOOLS, False), (ANTHROPIC_THINKING_STREAM, True)):
        call = _claude(replay, id)
        thinking = {"type": "enabled", "budget_tokens": 1024}
        asked: Any = completion(messages=HELLO, tools=TOOLS, thinking=thinking, stream=stream, **call)
        response = stream_chunk_builder(list(asked)) if stream else asked
        message = response.choices[0].message
        assert message.thinking_blocks[0]["signature"]
        results = [{"role": "tool", "tool_call_id": c.id, "content": "ok"} for c in message.tool_calls]
        replay.captures()
        completion(messages=[*HELLO, message, *results], tools=TOOLS, thinking=thinking, **_claude(replay, ANTHROPIC))
        (sent,) = replay.captures()
        blocks = sent["body"]["messages"][1]["content"]
        assert blocks[0] == message.thinking_blocks[0]
        assert sent["body"]["thinking"] == thinking
        assert any(block["type"] == "tool_use" for block in blocks)


def test_a_stream_that_begins_with_what_azure_filtered_has_azures_id_and_model(replay: Replay) -> None:
    where = {"api_base": replay.base(AZURE_STREAM), "api_key": "k", "api_version": "2024-10-21"}
    asked = completion("azure/gpt-4o", HELLO, stream=True, stream_options={"include_usage": True}, **where)
    chunks = list(asked)
    told = _deltas(AZURE_STREAM)
    assert (told[0]["id"], told[0]["choices"], chunks[0].choices) == ("", [], [])
    assert {chunk.id for chunk in chunks[1:]} == {told[1]["id"]}
    whole = stream_chunk_builder(chunks)
    assert (whole.id, whole.model, whole.created) == (told[1]["id"], told[1]["model"], told[1]["created"])
    assert whole.prompt_filter_results == told[0]["prompt_filter_results"]


# where and as whom


def test_the_environment_says_where_and_as_whom_at_the_moment_of_the_call(
    replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-x")
    for variable in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.setenv(variable, replay.openai(OPENAI))
        assert completion("gpt-4o", HELLO, api_key=None, api_base=None).id
        monkeypatch.delenv(variable)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", replay.base(ANTHROPIC))
    assert completion("claude-3-opus", HELLO).choices[0].message.content
    assert [capture["id"] for capture in replay.captures()] == [OPENAI, OPENAI, ANTHROPIC]


def test_headers_and_extra_body_are_sent_and_notes_stay_here(replay: Replay) -> None:
    completion(
        messages=HELLO,
        extra_headers={"x-mine": "1"},
        extra_body={"user": "forced"},
        user="said",
        brand_new={"a": None},
        metadata={"trace": "t"},
        tags=["a"],
        **_gpt(replay, OPENAI),
    )
    (sent,) = replay.captures()
    assert sent["headers"]["x-mine"] == "1"
    assert sent["body"] == {"model": "gpt-4o", "messages": HELLO, "user": "forced", "brand_new": {"a": None}}


def test_what_the_provider_cannot_be_told_is_a_caveat_or_an_error(replay: Replay) -> None:
    call = _claude(replay, ANTHROPIC)
    response = completion(messages=HELLO, seed=1, **call)
    assert "$.seed" in [caveat["where"] for caveat in response._hidden_params["caveats"]]
    with pytest.raises(tollbridge.UnsupportedParamsError, match="seed"):
        completion(messages=HELLO, seed=1, drop_params=False, **call)
    with pytest.raises(tollbridge.UnsupportedParamsError, match="seed"):
        completion(messages=HELLO, seed=1, strict=True, **call)
    assert len(replay.captures()) == 1
    stream = completion(messages=HELLO, seed=1, stream=True, **_claude(replay, ANTHROPIC_STREAM))
    list(stream)
    assert "$.seed" in [caveat["where"] for caveat in stream._hidden_params["caveats"]]


# errors


@pytest.mark.parametrize(
    ("id", "kind"),
    [(OPENAI_401, tollbridge.AuthenticationError), (OPENAI_404, tollbridge.NotFoundError)],
)
def test_openais_errors_are_raised_with_their_words(
    replay: Replay, id: str, kind: type[tollbridge.APIStatusError]
) -> None:
    with pytest.raises(kind) as raised:
        completion(messages=HELLO, **_gpt(replay, id))
    assert raised.value.status_code == recorded(id)["status"]
    assert (raised.value.provider, raised.value.model) == ("openai", "gpt-4o")
    assert len(replay.captures()) == 1  # neither will be better a second later


@pytest.mark.parametrize(
    ("id", "kind"),
    [(ANTHROPIC_401, tollbridge.AuthenticationError), (ANTHROPIC_404, tollbridge.NotFoundError)],
)
async def test_anthropics_errors_are_raised_in_a_stream_too(
    replay: Replay, id: str, kind: type[tollbridge.APIStatusError]
) -> None:
    for stream in (False, True):
        with pytest.raises(kind) as raised:
            await acompletion(messages=HELLO, stream=stream, **_claude(replay, id))
        assert raised.value.provider == "anthropic"
        assert raised.value.message


@pytest.mark.parametrize(("retries", "asked"), [(0, 1), (1, 2)])
def test_an_error_that_may_pass_is_tried_again_as_often_as_said(replay: Replay, retries: int, asked: int) -> None:
    for name in ("num_retries", "max_retries"):
        with pytest.raises(tollbridge.InternalServerError):
            completion(messages=HELLO, **{name: retries}, **_gpt(replay, OPENAI, status=500))
        assert len(replay.captures()) == asked


def test_a_model_alone_is_asked_again_at_once_after_it_failed(replay: Replay) -> None:
    """Nothing rests where nobody else could answer."""
    for _ in range(3):
        with pytest.raises(tollbridge.RateLimitError):
            completion(messages=HELLO, num_retries=0, **_gpt(replay, AZURE_429))
    assert len(replay.captures()) == 3


async def test_a_cut_stream_is_an_error_after_what_arrived(replay: Replay) -> None:
    for call, id in (
        (_gpt(replay, OPENAI_STREAM, cut=0.5), OPENAI_STREAM),
        (_claude(replay, ANTHROPIC_TOOLS_STREAM, cut=0.6), ANTHROPIC_TOOLS_STREAM),
    ):
        stream = await acompletion(messages=HELLO, stream=True, **call)
        chunks = []
        with pytest.raises(tollbridge.APIError) as raised:
            async for chunk in stream:
                chunks.append(chunk)
        assert chunks
        assert raised.value.provider == id.split("-")[0]
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


def test_an_error_inside_a_stream_is_raised_after_what_arrived(replay: Replay) -> None:
    stream = completion(
        "groq/openai/gpt-oss-120b", HELLO, stream=True, api_base=replay.openai(GROQ_STREAM_ERROR), api_key="gsk"
    )
    chunks = []
    with pytest.raises(tollbridge.APIError) as raised:
        for chunk in stream:
            chunks.append(chunk)
    assert raised.value.provider == "groq"
    assert chunks
    assert all("error" not in chunk for chunk in chunks)


async def test_a_timeout_is_an_error_of_its_own(replay: Replay) -> None:
    for stream in (False, True):
        with pytest.raises(tollbridge.Timeout) as raised:
            await acompletion(
                messages=HELLO,
                timeout=0.05,
                num_retries=0,
                stream=stream,
                **_gpt(replay, OPENAI, first_delay_ms=2_000),
            )
        assert raised.value.provider == "openai"


async def test_a_streams_timeout_bounds_its_silences_and_not_its_length(replay: Replay) -> None:
    stream = await acompletion(
        messages=HELLO, timeout=0.3, stream=True, **_gpt(replay, OPENAI_STREAM, delay_ms=60, chunking="event")
    )
    told = [chunk for chunk in _deltas(OPENAI_STREAM) if chunk["choices"]]
    assert len(told) * 0.06 > 0.3
    assert len([chunk async for chunk in stream]) == len(told)


def test_nobody_there_is_a_connection_error() -> None:
    with pytest.raises(tollbridge.APIConnectionError, match=r"127\.0\.0\.1:9"):
        completion("openai/m", HELLO, api_base="http://127.0.0.1:9/v1", num_retries=0)
