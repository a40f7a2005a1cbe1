"""Tasks and other dialects as functions of a program: what is sent, what comes back, what it cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.genai import types

import tollbridge
from tests.server.tasks_upstream import Provider
from tests.server.test_tasks import CHAT, COMPLETED, RANKED, cohere
from tests.transport.upstream import Upstream


def at(upstream: Upstream, path: str = "") -> dict[str, Any]:
    return {"api_key": "k", "api_base": f"http://127.0.0.1:{upstream.port}{path}", "num_retries": 0}


async def test_vectors_come_from_a_vendor_of_another_format() -> None:
    async with Upstream(Provider(embed=cohere)) as upstream:
        made = await tollbridge.aembedding(
            "cohere/embed-v4.0", ["a", "bc"], input_type="query", encoding_format="base64", **at(upstream)
        )
    assert [item.embedding for item in made.data] == [[1.0, 0.5], [2.0, 0.5]]
    assert made._hidden_params["response_cost"] == pytest.approx(6 * 0.12 / 1e6)


async def test_a_ranking_comes_with_its_price() -> None:
    provider = Provider(rerank=RANKED)
    async with Upstream(provider) as upstream:
        ranked = await tollbridge.arerank("cohere/rerank-v3.5", "q", ["a", "b"], top_n=2, **at(upstream))
    assert [(one.index, one.relevance_score) for one in ranked.results] == [(1, 0.9), (0, 0.1)]
    assert ranked._hidden_params["response_cost"] == pytest.approx(0.002)
    assert provider.asked[0].body["top_n"] == 2


async def test_a_moderation_asks_openais_model_where_none_is_named() -> None:
    judged = {"id": "1", "model": "x", "results": [{"flagged": True, "categories": {"a": True}, "category_scores": {}}]}
    provider = Provider(moderations=judged)
    async with Upstream(provider) as upstream:
        made = await tollbridge.amoderation("x", **at(upstream, "/v1"))
    assert made.results[0].flagged is True
    assert provider.asked[0].body == {"model": "omni-moderation-latest", "input": "x"}


async def test_speech_is_bytes_that_can_be_written_to_a_file(tmp_path: Path) -> None:
    async with Upstream(Provider(speech=(b"ID3\xff", "audio/mpeg"))) as upstream:
        spoken = await tollbridge.aspeech("openai/tts-1", "Hi", voice="alloy", **at(upstream, "/v1"))
    assert spoken.content == spoken.read() == b"".join(spoken.iter_bytes(2)) == b"ID3\xff"
    assert spoken.media_type == "audio/mpeg"
    spoken.stream_to_file(tmp_path / "hi.mp3")
    assert (tmp_path / "hi.mp3").read_bytes() == b"ID3\xff"
    assert spoken._hidden_params["response_cost"] == pytest.approx(2 * 15 / 1e6)


@pytest.mark.parametrize("kind", ["path", "text", "bytes", "open", "pair", "triple"])
async def test_a_file_may_be_given_in_any_form(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s.mp3"
    path.write_bytes(b"sound")
    provider = Provider(transcriptions={"text": "hi", "usage": {"type": "duration", "seconds": 3}})
    with path.open("rb") as opened:
        file: Any = {
            "path": path,
            "text": str(path),
            "bytes": b"sound",
            "open": opened,
            "pair": ("s.mp3", b"sound"),
            "triple": ("s.mp3", b"sound", "audio/mpeg"),
        }[kind]
        async with Upstream(provider) as upstream:
            made = await tollbridge.atranscription(
                "openai/whisper-1", file, timestamp_granularities=["word"], temperature=0.2, **at(upstream, "/v1")
            )
    assert made.text == "hi"
    assert made._hidden_params["response_cost"] == pytest.approx(3 * 0.0001)
    form = provider.asked[0].form
    [sent] = form.uploads("file")
    assert sent.data == b"sound"
    assert sent.name == ("file" if kind == "bytes" else "s.mp3")
    assert form.texts("timestamp_granularities") == ["word"]
    assert form.text("temperature") == "0.2"


@pytest.mark.parametrize("file", ["/no/such/file.mp3", 7, ("s.mp3", "text")])
def test_what_is_no_file_is_refused_by_name(file: Any) -> None:
    with pytest.raises(tollbridge.BadRequestError) as refused:
        tollbridge.transcription("openai/whisper-1", file, api_key="k")
    assert refused.value.param == "file"


async def test_images_are_made_and_changed(tmp_path: Path) -> None:
    made = {"created": 1, "data": [{"b64_json": "iVBO", "revised_prompt": "a cat"}]}
    provider = Provider(generations=made, edits=made)
    async with Upstream(provider) as upstream:
        one = await tollbridge.aimage_generation("cat", "openai/gpt-image-1", size="1024x1024", **at(upstream, "/v1"))
        two = await tollbridge.aimage_edit(
            [b"A", ("b.png", b"B")], "hat", "openai/gpt-image-1", mask=("m.png", b"M"), **at(upstream, "/v1")
        )
    assert one.data[0].revised_prompt == "a cat"
    assert two.data[0].b64_json == "iVBO"
    assert provider.asked[0].body == {"model": "gpt-image-1", "prompt": "cat", "size": "1024x1024"}
    form = provider.asked[1].form
    assert [file.data for file in form.uploads("image")] == [b"A", b"B"]
    assert [file.data for file in form.uploads("mask")] == [b"M"]


async def test_a_text_is_continued_by_whoever_can() -> None:
    provider = Provider().at("/chat/completions", CHAT).at("/completions", COMPLETED)
    async with Upstream(provider) as upstream:
        native = await tollbridge.atext_completion("openai/gpt-3.5-turbo-instruct", "a", **at(upstream, "/v1"))
        chat = await tollbridge.atext_completion("openai/gpt-4o", "a", **at(upstream, "/v1"))
    assert isinstance(native, tollbridge.TextCompletionResponse)
    assert isinstance(chat, tollbridge.TextCompletionResponse)
    assert native.choices[0].text == chat.choices[0].text == " world"
    assert [asked.path for asked in provider.asked] == ["/v1/completions", "/v1/chat/completions"]


async def test_other_dialects_are_answered_in_their_words() -> None:
    provider = Provider().at("/chat/completions", CHAT)
    async with Upstream(provider) as upstream:
        base = {**at(upstream, "/v1"), "custom_llm_provider": "custom_openai"}
        responses = await tollbridge.aresponses("gpt-4o", "hi", **base)
        messages = await tollbridge.aanthropic_messages("gpt-4o", [{"role": "user", "content": "hi"}], **base)
        content = await tollbridge.agenerate_content("gpt-4o", "hi", **base)
    assert isinstance(responses, tollbridge.Event)
    assert isinstance(messages, tollbridge.Event)
    assert isinstance(content, tollbridge.Event)
    assert responses.output[0]["content"][0]["text"] == " world"
    assert messages.content[0]["text"] == " world"
    assert content.candidates[0]["content"]["parts"][0]["text"] == " world"
    assert all(asked.body["messages"] == [{"role": "user", "content": "hi"}] for asked in provider.asked)
    assert messages._hidden_params["custom_llm_provider"] == "custom_openai"


async def test_an_answer_without_an_image_is_paid_for_once() -> None:
    told = {"candidates": [{"content": {"parts": [{"text": "I would rather not."}]}, "finishReason": "STOP"}]}
    provider = Provider().at(":generateContent", told)
    async with Upstream(provider) as upstream:
        with pytest.raises(tollbridge.APIError, match="rather not"):
            model = "gemini/gemini-2.5-flash-image"
            await tollbridge.aimage_generation("x", model=model, **{**at(upstream, "/v1beta"), "num_retries": 2})
    assert len(provider.asked) == 1


async def test_what_is_litellms_own_is_sent_to_nobody_and_told() -> None:
    provider = Provider().at("/chat/completions", CHAT)
    own = {
        "mock_testing_fallbacks": True,
        "prompt_id": "p",
        "provider_specific_header": {"x": "secret"},
        "no-log": True,
    }
    async with Upstream(provider) as upstream:
        made = await tollbridge.acompletion(
            "openai/gpt-4o", [{"role": "user", "content": "x"}], **own, **at(upstream, "/v1")
        )
    [asked] = provider.asked
    assert not own.keys() & asked.body.keys()
    assert {caveat["where"] for caveat in made._hidden_params["caveats"]} == {f"$.{name}" for name in own}


async def test_where_the_model_stands_in_the_path_it_is_not_in_the_body() -> None:
    told = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}]}
    provider = Provider().at(":generateContent", told)
    async with Upstream(provider) as upstream:
        await tollbridge.agenerate_content("gemini/gemini-2.5-flash", "x", **at(upstream, "/v1beta"))
    [asked] = provider.asked
    assert asked.body == {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}


async def test_metadata_of_formats_that_have_it_is_sent() -> None:
    """Decision 4: in chat it is the caller's notes."""
    provider = Provider().at("/chat/completions", CHAT).at("/messages", {}).at("/responses", {})
    async with Upstream(provider) as upstream:
        with pytest.raises(tollbridge.APIError):  # nobody answers in these formats here
            await tollbridge.aresponses("openai/gpt-4.1", "x", metadata={"job": "7"}, **at(upstream, "/v1"))
        claude, notes = "anthropic/claude-sonnet-4-5", {"user_id": "u-1"}
        with pytest.raises(tollbridge.APIError):
            messages = [{"role": "user", "content": "x"}]
            await tollbridge.aanthropic_messages(claude, messages, max_tokens=5, metadata=notes, **at(upstream, ""))
        await tollbridge.acompletion(
            "openai/gpt-4o", [{"role": "user", "content": "x"}], metadata={"a": "b"}, **at(upstream, "/v1")
        )
    sent = [asked.body.get("metadata") for asked in provider.asked]
    assert sent[0] == {"job": "7"}
    assert {"user_id": "u-1"} in sent
    assert sent[-1] is None


@pytest.mark.parametrize("fallbacks", ["default", [{"model": "claude-opus-4-8"}]], ids=str)
async def test_fallbacks_that_anthropic_runs_are_not_the_calls(fallbacks: Any) -> None:
    provider = Provider().at("/messages", {})
    beta = {"extra_headers": {"anthropic-beta": "server-side-fallback-2026-07-01"}}
    async with Upstream(provider) as upstream:
        with pytest.raises(tollbridge.APIError):  # nobody answers in this format here
            await tollbridge.aanthropic_messages(
                "anthropic/claude-fable-5",
                [{"role": "user", "content": "x"}],
                max_tokens=5,
                fallbacks=fallbacks,
                **beta,
                **at(upstream, ""),
            )
    assert [asked.body.get("fallbacks") for asked in provider.asked] == [fallbacks]


@pytest.mark.parametrize("snake", [False, True], ids=["camel", "snake"])
async def test_the_configuration_of_googles_sdk_says_what_it_says_there(snake: bool) -> None:
    told: dict[str, Any] = {"maxOutputTokens": 7, "systemInstruction": "Be kind.", "temperature": 0.5, "seed": None}
    if snake:
        told = {"max_output_tokens": 7, "system_instruction": "Be kind.", "temperature": 0.5}
    config = types.GenerateContentConfig(**told) if not snake else told
    provider = Provider().at("/chat/completions", CHAT)
    async with Upstream(provider) as upstream:
        base = {**at(upstream, "/v1"), "custom_llm_provider": "custom_openai"}
        for given in (told, config):
            await tollbridge.agenerate_content("gpt-4o", "hi", given, **base)
        with pytest.raises(tollbridge.BadRequestError, match=r"config\.http_options"):
            await tollbridge.agenerate_content("gpt-4o", "hi", config={"http_options": {"timeout": 1}}, **base)
        with pytest.raises(tollbridge.BadRequestError, match="`config` is an object"):
            await tollbridge.agenerate_content("gpt-4o", "hi", config="warm", **base)
    for asked in provider.asked:
        assert asked.body["messages"][0] == {"role": "system", "content": "Be kind."}
        assert (asked.body["temperature"], "seed" in asked.body) == (0.5, False)
        assert asked.body.get("max_tokens", asked.body.get("max_completion_tokens")) == 7


def chunks() -> bytes:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
    said = [
        {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "wor"}, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {"content": "ld"}, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**head, "choices": [], "usage": CHAT["usage"]},
    ]
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in said)


@pytest.mark.parametrize("name", ["aresponses", "aanthropic_messages", "agenerate_content", "atext_completion"])
async def test_each_dialect_streams_its_own_events_and_tells_the_price_at_the_end(name: str) -> None:
    provider = Provider().at("/chat/completions", (chunks() + b"data: [DONE]\n\n", "text/event-stream"))
    said: Any = [{"role": "user", "content": "hi"}] if name == "aanthropic_messages" else "hi"
    async with Upstream(provider) as upstream:
        events = await getattr(tollbridge, name)(
            "openai/gpt-4o", said, stream=True, **at(upstream, "/v1/chat/completions")
        )
        seen = [event async for event in events]
    told = json.dumps(seen)
    assert "wor" in told
    assert "ld" in told
    assert len(seen) > 1
    assert events.usage.output == 3
    assert events._hidden_params["response_cost"] == pytest.approx((2 * 2.5 + 3 * 10) / 1e6)


async def test_a_dialects_stream_that_is_cut_raises_after_what_arrived() -> None:
    provider = Provider().at("/chat/completions", (chunks()[:200], "text/event-stream"))
    async with Upstream(provider) as upstream:
        events = await tollbridge.aanthropic_messages(
            "openai/gpt-4o", [{"role": "user", "content": "hi"}], stream=True, **at(upstream, "/v1")
        )
        assert isinstance(events, tollbridge.AsyncEvents)
        seen = []
        with pytest.raises(tollbridge.APIError):
            async for event in events:
                seen.append(event)
    assert seen


def test_each_name_has_a_twin_of_the_same_parameters() -> None:
    import inspect

    for name in ("embedding", "rerank", "moderation", "speech", "transcription", "image_generation", "image_edit"):
        whole, twin = getattr(tollbridge, name), getattr(tollbridge, f"a{name}")
        assert inspect.signature(whole).parameters == inspect.signature(twin).parameters, name
        assert inspect.iscoroutinefunction(twin)
    for name in ("responses", "anthropic_messages", "generate_content", "text_completion"):
        whole, twin = getattr(tollbridge, name), getattr(tollbridge, f"a{name}")
        assert inspect.signature(whole).parameters == inspect.signature(twin).parameters, name


def test_the_waiting_twins_work_without_a_loop_of_ones_own() -> None:
    with pytest.raises(tollbridge.BadRequestError, match="ranks no documents"):
        tollbridge.rerank("openai/gpt-4o", "q", ["a"], api_key="k")
    with pytest.raises(tollbridge.BadRequestError, match="does not speak"):
        tollbridge.speech("openai/gpt-4o", "x", api_key="k")
    answered = tollbridge.responses("demo/hello", "Hello!")
    assert isinstance(answered, tollbridge.Event)
    assert answered.output
    streamed = tollbridge.anthropic_messages("demo/hello", [{"role": "user", "content": "Hi"}], stream=True)
    assert isinstance(streamed, tollbridge.Events)
    with streamed as events:
        kinds = [event.type for event in events]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
