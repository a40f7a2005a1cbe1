"""Bedrock and SageMaker behind a serving gateway: who signs, what is sent, what each dialect is told when it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.aws import ACCESS_KEY, FRAMED, SECRET_KEY, Asked, Service, Told, is_signed, serving
from tests.server.served import Answered, Served, served
from tests.wires import frames

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
STEP = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/"
PLACE = {"aws_region_name": "eu-west-1", "aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CALL = {"toolUse": {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "Oslo"}}}
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Let me see."}, CALL]}},
    "stopReason": "tool_use",
    "usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15},
    "metrics": {"latencyMs": 9},
}
STREAM = b"".join(
    (
        frames.event("messageStart", {"role": "assistant"}),
        frames.event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Let me "}}),
        frames.event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "see."}}),
        frames.event("contentBlockStop", {"contentBlockIndex": 0}),
        frames.event(
            "contentBlockStart",
            {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "tooluse_1", "name": "weather"}}},
        ),
        frames.event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"city":'}}}),
        frames.event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '"Oslo"}'}}}),
        frames.event("contentBlockStop", {"contentBlockIndex": 1}),
        frames.event("messageStop", {"stopReason": "tool_use"}),
        frames.event("metadata", {"usage": ANSWER["usage"], "metrics": {"latencyMs": 9}}),
    )
)
MESSAGE = {
    "id": "msg_bdrk_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 5},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 5},
    },
    {"type": "message_stop"},
]
CHAT: dict[str, Any] = {
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather in Oslo?"}],
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}],
}
ASKS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", CHAT),
    "messages": (
        "/v1/messages",
        {
            "system": "Be brief.",
            "messages": CHAT["messages"][1:],
            "tools": [{"name": "weather", "input_schema": SCHEMA}],
            "max_tokens": 100,
        },
    ),
    "responses": (
        "/v1/responses",
        {
            "instructions": "Be brief.",
            "input": "Weather in Oslo?",
            "tools": [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}],
        },
    ),
    "gemini": (
        "/v1beta/models/{model}:generateContent",
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [{"role": "user", "parts": [{"text": "Weather in Oslo?"}]}],
            "tools": [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": SCHEMA}]}],
        },
    ),
}


def whole(value: Any, status: int = 200, **headers: str) -> Told:
    names = {name.replace("_", "-"): said for name, said in headers.items()}
    return Told(json.dumps(value).encode(), status, headers=names)


def answers(asked: Asked) -> Told:
    """As AWS: what is not signed is refused; the last step of the path says what is wanted."""
    if not is_signed(asked):
        return whole({"message": "The security token is invalid."}, 403, x_amzn_errortype="UnrecognizedClientException")
    match asked.target.rpartition("/")[2]:
        case "converse":
            return whole(ANSWER)
        case "converse-stream":
            return Told(STREAM, content_type=FRAMED)
        case "invoke":
            return whole(MESSAGE)
        case "invoke-with-response-stream":
            return Told(b"".join(map(frames.chunk, EVENTS)), content_type=FRAMED)
    return whole({"message": "Unknown operation"}, 404, x_amzn_errortype="UnknownOperationException")


def configuration(url: str, **models: Mapping[str, Any]) -> str:
    listed = [
        {"model_name": name, "litellm_params": {"api_base": url, "max_retries": 0, **PLACE, **said}}
        for name, said in models.items()
    ]
    return json.dumps({"model_list": listed, "router_settings": {"disable_cooldowns": True}})


@contextmanager
def always(told: Told) -> Iterator[Service]:
    with serving(lambda _: told) as service:
        yield service


async def ask(gateway: Served, dialect: str, model: str, *, stream: bool) -> Answered:
    path, body = ASKS[dialect]
    if dialect == "gemini":
        path = path.format(model=model)
        return await gateway.post(path.replace(":g", ":streamG") + "?alt=sse" if stream else path, body)
    return await gateway.post(path, {**body, "model": model, "stream": stream})


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", ASKS)
async def test_every_dialect_is_asked_by_converse_with_its_tools_and_signed(
    dialect: str, stream: bool, tmp_path: Path
) -> None:
    with serving(answers) as aws:
        text = configuration(aws.url, m={"model": f"bedrock/converse/{CLAUDE}"})
        async with served(text, tmp_path, environ={}) as gateway:
            answer = await ask(gateway, dialect, "m", stream=stream)
    assert answer.status == 200, answer.body
    assert b"weather" in answer.body
    assert b"Oslo" in answer.body
    sent = aws.last()
    assert sent.target == STEP + ("converse-stream" if stream else "converse")
    assert sent.signed_for == (ACCESS_KEY, "eu-west-1", "bedrock")
    body = sent.json()
    assert body["messages"] == [{"role": "user", "content": [{"text": "Weather in Oslo?"}]}]
    assert body["system"] == [{"text": "Be brief."}]
    assert body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"] == {"json": SCHEMA}
    assert not {"model", "stream"} & set(body)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_client_of_anthropics_format_gets_claudes_own_answer_unchanged(stream: bool, tmp_path: Path) -> None:
    with serving(answers) as aws:
        text = configuration(aws.url, m={"model": f"bedrock/invoke/{CLAUDE}"})
        async with served(text, tmp_path, environ={}) as gateway:
            answer = await ask(gateway, "messages", "m", stream=stream)
            (record,) = gateway.records
    if stream:
        assert [json.loads(data) for _, data in answer.events()] == EVENTS
        assert [name for name, _ in answer.events()] == [event["type"] for event in EVENTS]
    else:
        assert answer.json() == MESSAGE
    assert record.tokens is not None
    assert (record.tokens["input"], record.tokens["output"]) == (10, 5)
    sent = aws.last()
    assert sent.target == STEP + ("invoke-with-response-stream" if stream else "invoke")
    assert sent.json() == {"anthropic_version": "bedrock-2023-05-31", **ASKS["messages"][1]}


async def test_betas_go_into_the_body_as_far_as_bedrock_knows_them(tmp_path: Path) -> None:
    betas = "claude-code-20250219,interleaved-thinking-2025-05-14, oauth-2025-04-20,context-1m-2025-08-07"
    with serving(answers) as aws:
        text = configuration(aws.url, m={"model": f"bedrock/invoke/{CLAUDE}"})
        async with served(text, tmp_path, environ={}) as gateway:
            body = {**ASKS["messages"][1], "model": "m", "service_tier": "standard_only"}
            answer = await gateway.post("/v1/messages?beta=true", body, {"anthropic-beta": betas})
    assert answer.status == 200
    sent = aws.last()
    assert sent.json()["anthropic_beta"] == ["interleaved-thinking-2025-05-14", "context-1m-2025-08-07"]
    assert "anthropic-beta" not in sent.headers
    assert "service_tier" not in sent.json()
    caveats = answer.headers["x-tollbridge-caveats"]
    assert "dropped_field" in caveats
    assert "dropped_param" in caveats


async def test_the_token_of_a_session_and_a_bearer_key_are_shown_as_aws_wants_them(tmp_path: Path) -> None:
    models = {
        "session": {"model": "bedrock/m.m", "aws_session_token": "FwoGZXIvYXdzEXAMPLE"},
        "bearer": {"model": "bedrock/m.m", "api_key": "ABSKQmVkcm9ja0FQSUtleS1"},
    }
    with always(whole(ANSWER)) as aws:
        async with served(configuration(aws.url, **models), tmp_path, environ={}) as gateway:
            for name in models:
                assert (await ask(gateway, "chat", name, stream=False)).status == 200
    session, bearer = aws.asked
    assert session.headers["x-amz-security-token"] == "FwoGZXIvYXdzEXAMPLE"
    assert is_signed(session)
    assert bearer.headers["authorization"] == "Bearer ABSKQmVkcm9ja0FQSUtleS1"
    assert "x-amz-date" not in bearer.headers


async def test_requests_at_once_are_each_signed_by_keys_that_were_fetched_once(tmp_path: Path) -> None:
    with serving(answers) as aws:
        text = configuration(aws.url, m={"model": f"bedrock/{CLAUDE}"})
        async with served(text, tmp_path, environ={}) as gateway:
            found = await asyncio.gather(*(ask(gateway, "chat", "m", stream=n % 2 == 0) for n in range(12)))
    assert [answer.status for answer in found] == [200] * 12
    assert all(map(is_signed, aws.asked))


@pytest.mark.parametrize(
    ("name", "status", "words", "kept"),
    [
        ("ThrottlingException", 429, "Too many tokens, please wait before trying again.", 429),
        ("ModelNotReadyException", 429, "The model is not ready.", 429),
        ("ValidationException", 400, "Input is too long for requested model.", 400),
        ("AccessDeniedException", 403, "You don't have access to the model with the specified model ID.", 403),
        ("ExpiredTokenException", 403, "The security token included in the request is expired", 403),
        ("ResourceNotFoundException", 404, "This model version has reached the end of its life.", 404),
        ("ModelTimeoutException", 408, "The request took too long to process.", 408),
        ("ModelErrorException", 424, "The model failed.", 424),
        ("ServiceUnavailableException", 503, "Bedrock is unable to process your request.", 503),
    ],
)
@pytest.mark.parametrize("dialect", ASKS)
async def test_an_error_of_awss_keeps_its_status_and_its_words_in_every_dialect(
    dialect: str, name: str, status: int, words: str, kept: int, tmp_path: Path
) -> None:
    told = whole({"message": words}, status, x_amzn_errortype=f"{name}:http://internal.amazon.com/coral/")
    with always(told) as aws:
        models = {"m": {"model": f"bedrock/converse/{CLAUDE}"}, "i": {"model": f"bedrock/invoke/{CLAUDE}"}}
        async with served(configuration(aws.url, **models), tmp_path, environ={}) as gateway:
            for model in models:
                answer = await ask(gateway, dialect, model, stream=model == "m")
                assert answer.status == kept, answer.body
                assert words.rstrip(".") in answer.json()["error"]["message"]
                assert SECRET_KEY not in answer.body.decode()


async def test_too_long_a_prompt_is_known_as_such_by_its_words(tmp_path: Path) -> None:
    long = whole(
        {"message": "prompt is too long: 250000 tokens > 200000 maximum"}, 400, x_amzn_errortype="ValidationException"
    )
    with always(long) as small, always(whole(ANSWER)) as large:
        text = json.loads(configuration(small.url, m={"model": f"bedrock/{CLAUDE}"}))
        text["model_list"] += json.loads(configuration(large.url, big={"model": f"bedrock/{CLAUDE}"}))["model_list"]
        text["litellm_settings"] = {"context_window_fallbacks": [{"m": ["big"]}]}
        async with served(json.dumps(text), tmp_path, environ={}) as gateway:
            answer = await ask(gateway, "chat", "m", stream=False)
    assert answer.status == 200
    assert len(large.asked) == 1


@pytest.mark.parametrize("dialect", ASKS)
async def test_an_exception_inside_a_stream_ends_it_with_an_error(dialect: str, tmp_path: Path) -> None:
    broken = STREAM[: len(STREAM) // 2]
    whole_frames = b"".join(
        (
            frames.event("messageStart", {"role": "assistant"}),
            frames.event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Let me"}}),
            frames.exception("modelStreamErrorException", "The model broke."),
        )
    )
    for body, words in ((whole_frames, "The model broke."), (broken, "ended")):
        with always(Told(body, content_type=FRAMED)) as aws:
            text = configuration(aws.url, m={"model": f"bedrock/converse/{CLAUDE}"})
            async with served(text, tmp_path, environ={}) as gateway:
                answer = await ask(gateway, dialect, "m", stream=True)
                (record,) = gateway.records
        assert answer.status == 200
        assert b"Let me" in answer.body
        assert words in answer.events()[-1][1] or words in answer.body.decode().rpartition('"message"')[2]
        assert record.error_class


async def test_an_exception_before_the_first_event_is_tried_elsewhere(tmp_path: Path) -> None:
    throttled = Told(frames.exception("throttlingException", "Too many requests."), content_type=FRAMED)
    with always(throttled) as busy, serving(answers) as free:
        said = {"model": f"bedrock/converse/{CLAUDE}"}
        text = json.loads(configuration(busy.url, m={**said, "order": 1, "max_retries": 2}))
        text["model_list"] += json.loads(configuration(free.url, m={**said, "order": 2, "max_retries": 2}))[
            "model_list"
        ]
        async with served(json.dumps(text), tmp_path, environ={}) as gateway:
            answer = await ask(gateway, "chat", "m", stream=True)
    assert answer.status == 200
    assert b"[DONE]" in answer.body
    assert len(busy.asked) >= 1
    assert len(free.asked) == 1


async def test_an_exception_in_claudes_own_stream_is_an_error_of_its_format(tmp_path: Path) -> None:
    body = b"".join([*map(frames.chunk, EVENTS[:3]), frames.exception("throttlingException", "Too many requests.")])
    with always(Told(body, content_type=FRAMED)) as aws:
        text = configuration(aws.url, m={"model": f"bedrock/invoke/{CLAUDE}"})
        async with served(text, tmp_path, environ={}) as gateway:
            answer = await ask(gateway, "messages", "m", stream=True)
            (record,) = gateway.records
    name, data = answer.events()[-1]
    assert name == "error"
    assert json.loads(data)["error"]["type"] == "rate_limit_error"
    assert record.error_class


async def test_a_guardrail_of_the_operators_is_in_every_request_and_no_clients_to_change(tmp_path: Path) -> None:
    guardrail = {"guardrailIdentifier": "gr1", "guardrailVersion": "1"}
    models = {
        "m": {"model": f"bedrock/converse/{CLAUDE}", "guardrailConfig": guardrail},
        "i": {"model": f"bedrock/invoke/{CLAUDE}", "guardrailConfig": guardrail},
    }
    other = {"guardrailConfig": {"guardrailIdentifier": "none", "guardrailVersion": "1"}}
    with serving(answers) as aws:
        text = json.loads(configuration(aws.url, **models))
        text["general_settings"] = {"forward_client_headers_to_llm_api": True}
        async with served(json.dumps(text), tmp_path, environ={}) as gateway:
            await gateway.post("/v1/chat/completions", {**CHAT, **other, "model": "m"})
            await gateway.post(
                "/v1/messages", {**ASKS["messages"][1], "model": "i"}, {"x-amzn-bedrock-guardrailidentifier": "none"}
            )
    converse, invoke = aws.asked
    assert converse.json()["guardrailConfig"] == guardrail
    assert invoke.headers["x-amzn-bedrock-guardrailidentifier"] == "gr1"


async def test_a_schema_that_a_model_cannot_hold_comes_back_as_the_answers_text(tmp_path: Path) -> None:
    call = {"toolUse": {"toolUseId": "t1", "name": "tb_answer_in_json", "input": {"city": "Oslo"}}}
    told = {**ANSWER, "output": {"message": {"role": "assistant", "content": [call]}}}
    schema = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
    body = {"model": "m", "messages": CHAT["messages"], "response_format": schema}
    with always(whole(told)) as aws:
        text = configuration(aws.url, m={"model": "bedrock/us.amazon.nova-pro-v1:0"})
        async with served(text, tmp_path, environ={}) as gateway:
            answer = await gateway.post("/v1/chat/completions", body)
    choice = answer.json()["choices"][0]
    assert json.loads(choice["message"]["content"]) == {"city": "Oslo"}
    assert (choice["finish_reason"], choice["message"].get("tool_calls")) == ("stop", None)
    sent = aws.last().json()["toolConfig"]
    assert sent["toolChoice"] == {"tool": {"name": "tb_answer_in_json"}}
    assert sent["tools"][0]["toolSpec"]["inputSchema"] == {"json": SCHEMA}


async def test_thinking_comes_home_signed(tmp_path: Path) -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2lnbmVk"}}}
    told = {**ANSWER, "output": {"message": {"role": "assistant", "content": [thought, {"text": "Yes."}, CALL]}}}
    with always(whole(told)) as aws:
        text = configuration(aws.url, m={"model": f"bedrock/{CLAUDE}"})
        async with served(text, tmp_path, environ={}) as gateway:
            first = (await ask(gateway, "chat", "m", stream=False)).json()["choices"][0]["message"]
            result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "Rain."}
            again = {**CHAT, "model": "m", "messages": [*CHAT["messages"], first, result]}
            assert (await gateway.post("/v1/chat/completions", again)).status == 200
    assert first["reasoning_content"] == "Hm."
    said = aws.asked[1].json()["messages"][1]["content"]
    assert said == [thought, {"text": "Yes."}, CALL]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_sagemaker_endpoint_is_asked_in_openais_format_and_signed(stream: bool, tmp_path: Path) -> None:
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "x"}
    said = [
        {**chunk, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {"content": "lo."}, "finish_reason": "stop"}]},
        {**chunk, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
    ]
    events = b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in said) + b"data: [DONE]\n\n"
    pieces = b"".join(frames.piece(events[at : at + 17]) for at in range(0, len(events), 17))
    answer = {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "x",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
    with always(Told(pieces, content_type=FRAMED) if stream else whole(answer)) as aws:
        text = configuration(aws.url, m={"model": "sagemaker_chat/my-endpoint"})
        async with served(text, tmp_path, environ={}) as gateway:
            found = await gateway.post(
                "/v1/chat/completions", {"model": "m", "messages": CHAT["messages"], "stream": stream}
            )
            (record,) = gateway.records
    assert record.tokens is not None
    assert (record.tokens["input"], record.tokens["output"]) == (3, 2)
    if stream:
        assert [json.loads(data) for _, data in found.events()[:-1]] == said[:2]
    else:
        assert found.json() == answer
    sent = aws.last()
    assert sent.target == "/endpoints/my-endpoint/invocations" + ("-response-stream" if stream else "")
    assert sent.signed_for == (ACCESS_KEY, "eu-west-1", "sagemaker")
    assert is_signed(sent)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", ASKS)
async def test_claude_is_asked_in_its_own_format_at_bedrocks_other_front(
    dialect: str, stream: bool, tmp_path: Path
) -> None:
    events = b"".join(b"event: %b\ndata: %b\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in EVENTS)
    with always(Told(events, content_type="text/event-stream") if stream else whole(MESSAGE)) as aws:
        text = configuration(aws.url, m={"model": "bedrock_mantle/anthropic.claude-haiku-4-5"})
        async with served(text, tmp_path, environ={}) as gateway:
            answer = await ask(gateway, dialect, "m", stream=stream)
    assert answer.status == 200
    assert b"Hello." in answer.body
    sent = aws.last()
    assert sent.target == "/anthropic/v1/messages"
    assert json.loads(sent.body)["model"] == "anthropic.claude-haiku-4-5"
    assert sent.signed_for == (ACCESS_KEY, "eu-west-1", "bedrock-mantle")
    assert is_signed(sent)


async def test_a_failure_of_sagemakers_own_is_told_as_its_own(tmp_path: Path) -> None:
    words = "Received server error (500) from primary with message"
    with always(whole({"message": words}, 424, x_amzn_errortype="ModelError")) as aws:
        text = configuration(aws.url, m={"model": "sagemaker_chat/my-endpoint"})
        async with served(text, tmp_path, environ={}) as gateway:
            answer = await gateway.post("/v1/chat/completions", {"model": "m", "messages": CHAT["messages"]})
    assert answer.status == 424
    assert words in answer.json()["error"]["message"]


async def test_a_client_is_not_told_what_the_operator_must_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    said = {"model": f"bedrock/{CLAUDE}", "api_base": "http://127.0.0.1:9", "aws_region_name": "eu-west-1"}
    text = json.dumps({"model_list": [{"model_name": "m", "litellm_params": said}]})
    async with served(text, tmp_path, environ={}) as gateway:
        answer = await ask(gateway, "chat", "m", stream=False)
    assert answer.status in (401, 500, 503)
    assert "no AWS credentials were found" in answer.json()["error"]["message"]
