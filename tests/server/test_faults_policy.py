"""What the operator and the client may say about one request, through a whole gateway: fallbacks, context windows,
timeouts, retries, tags, strictness; and what a body may carry.

The rules themselves: tests/server/test_controls.py (fields and headers), tests/routing/test_plan.py (fallbacks).
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bench.mock.provider import Provider
from bench.mock_upstream import serving
from tests.server.faults import (
    CHAT,
    MESSAGES,
    PAIR_IDS,
    PAIRS,
    always,
    ask,
    configuration,
    entry,
    error_body,
    error_of,
    hasten,
)
from tests.server.served import served
from tests.transport.upstream import Peer, Upstream, answer

PATHS = [CHAT, MESSAGES]
TOO_LONG = "This model's maximum context length is 10 tokens, prompt is too long: 12 tokens."


def asked_models(provider: Provider) -> list[str]:
    return [json.loads(seen.body)["model"] for seen in provider.books.captures]


@pytest.mark.parametrize("path", PATHS)
async def test_a_prompt_that_does_not_fit_goes_to_the_larger_model_unasked(tmp_path: Path, path: str) -> None:
    async with serving() as mock:
        text = configuration(
            entry("small", mock.port, info={"max_input_tokens": 10}),
            entry("large", mock.port),
            router={"context_window_fallbacks": [{"small": ["large"]}]},
        )
        async with served(text, tmp_path) as gateway:
            short = await gateway.post(path, ask("small"))
            long = await gateway.post(path, ask("small", text="many words " * 100))
            alone = await gateway.post(path, ask("small", text="many words " * 100, disable_fallbacks=True))
        assert asked_models(mock.provider) == ["small", "large"]
    assert (short.status, long.status, alone.status) == (200, 200, 400)
    assert "takes 10" in error_of(path, alone.json())["message"]


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_a_provider_that_finds_the_prompt_too_long_is_followed_by_the_larger_model(
    tmp_path: Path, path: str, wire: str
) -> None:
    refusal = answer(error_body(wire, TOO_LONG), status="400 No")
    async with serving() as mock, Upstream(always(refusal)) as upstream:
        text = configuration(
            entry("small", upstream.port, wire),
            entry("large", mock.port, wire),
            entry("general", mock.port, wire),
            router={"context_window_fallbacks": [{"small": ["large"]}], "fallbacks": [{"small": ["general"]}]},
        )
        async with served(text, tmp_path) as gateway:
            answered = await gateway.post(path, ask("small", stream=True))
        assert asked_models(mock.provider) == ["large"]
    assert answered.status == 200
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("path", PATHS)
async def test_default_fallbacks_stand_in_and_the_error_is_that_of_the_model_asked_for(
    tmp_path: Path, path: str
) -> None:
    async with serving() as mock:
        mock.provider.order("a", always="status=500")
        mock.provider.order("spare", "", always="status=429")
        text = configuration(
            entry("a", mock.port), entry("spare", mock.port), router={"default_fallbacks": ["spare"], "num_retries": 0}
        )
        async with served(text, tmp_path) as gateway:
            hasten(gateway)
            answered = await gateway.post(path, ask("a"))
            both = await gateway.post(path, ask("a"))
    assert (answered.status, both.status) == (200, 500)
    assert gateway.records[0].fallbacks == 1


@pytest.mark.parametrize("path", PATHS)
async def test_a_group_of_which_no_deployment_is_enabled_is_503_or_its_fallback(tmp_path: Path, path: str) -> None:
    off = {"model_name": "off", "litellm_params": {"model": "anthropic/claude-haiku-4-5"}}
    async with serving() as mock:
        text = configuration(
            off, {**off, "model_name": "lonely"}, entry("m", mock.port), router={"fallbacks": [{"off": ["m"]}]}
        )
        async with served(text, tmp_path) as gateway:
            assert (await gateway.post(path, ask("off"))).status == 200
            alone = await gateway.post(path, ask("lonely"))
    assert alone.status == 503
    assert "lonely" in alone.json()["error"]["message"]
    assert "ANTHROPIC" not in alone.body.decode()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", ["deepgram/nova-3", "elevenlabs/eleven_v3", "voyage/voyage-3", "infinity/m"])
async def test_who_holds_no_conversations_is_not_asked_for_one(tmp_path: Path, model: str, path: str) -> None:
    async with serving() as mock:
        place = {"model": model, "api_key": "k", "api_base": f"http://127.0.0.1:{mock.port}"}
        text = configuration({"model_name": "m", "litellm_params": place})
        async with served(text, tmp_path) as gateway:
            for stream in (False, True):
                refused = await gateway.post(path, ask("m", stream=stream))
                assert refused.status == 400
                assert "no conversations" in refused.json()["error"]["message"]
        assert not mock.provider.books.requests


@pytest.mark.parametrize("where", ["body", "headers"])
@pytest.mark.parametrize("path", PATHS)
async def test_a_request_says_how_often_and_how_long_and_with_which_tags(tmp_path: Path, path: str, where: str) -> None:
    said: dict[str, Any] = {"num_retries": 4, "tags": ["a", "b"]}
    headers = {"x-litellm-num-retries": "4", "x-litellm-tags": "a, b"}
    async with serving() as mock:
        mock.provider.order("m", always="status=500")
        mock.provider.order("slow", always="silence=0")
        text = configuration(
            entry("m", mock.port), entry("slow", mock.port), router={"num_retries": 0, "disable_cooldowns": True}
        )
        async with served(text, tmp_path) as gateway:
            hasten(gateway)
            body = ask() | (said if where == "body" else {})
            answered = await gateway.post(path, body, {} if where == "body" else headers)
            assert mock.provider.books.requests == 5
            late = {"timeout": 0.1, "num_retries": 0} if where == "body" else {}
            times = {} if where == "body" else {"x-litellm-timeout": "0.1", "x-litellm-num-retries": "0"}
            timed_out = await gateway.post(path, ask("slow") | late, times)
        sent = json.loads(mock.provider.books.captures[0].body)
    assert (answered.status, timed_out.status) == (500, 504)
    assert gateway.records[0].tags == ("a", "b")
    assert not {"num_retries", "tags", "timeout"} & sent.keys()


FOR_US = {
    "timeout": 60,
    "num_retries": 0,
    "tags": ["t"],
    "fallbacks": ["m"],
    "disable_fallbacks": False,
    "drop_params": True,
    "litellm_metadata": {"a": 1},
    "litellm_session_id": "s",
}


@pytest.mark.parametrize("wire", ["openai", "anthropic", "deepseek"])
@pytest.mark.parametrize("path", PATHS)
async def test_what_is_for_us_goes_no_further_however_the_request_is_written(
    tmp_path: Path, path: str, wire: str
) -> None:
    async with serving() as mock:
        async with served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
            answered = await gateway.post(path, ask(**FOR_US), {"x-tollbridge-strict": "true"})
            plain = await gateway.post(path, ask())
        steered, unsteered = (json.loads(seen.body) for seen in mock.provider.books.captures)
    assert (answered.status, plain.status) == (200, 200), answered.body
    assert "x-tollbridge-caveats" not in answered.headers
    assert steered == unsteered


@pytest.mark.parametrize("path", PATHS)
async def test_a_request_names_its_own_fallbacks(tmp_path: Path, path: str) -> None:
    async with serving() as mock:
        mock.provider.order("m", always="status=500")
        text = configuration(
            *(entry(name, mock.port) for name in ("m", "b", "c")),
            router={"fallbacks": [{"m": ["c"]}], "num_retries": 0},
        )
        async with served(text, tmp_path) as gateway:
            answered = await gateway.post(path, ask(fallbacks=["b"]))
            none = await gateway.post(path, ask(fallbacks=[]))
        assert asked_models(mock.provider) == ["m", "b", "m"]
    assert (answered.status, none.status) == (200, 500)
    assert answered.headers["x-litellm-attempted-fallbacks"] == "1"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_fallback_of_a_request_may_be_asked_something_else(tmp_path: Path, path: str, stream: bool) -> None:
    async with serving() as mock:
        mock.provider.order("m", always="status=500")
        mock.provider.order("b", always="status=500")
        text = configuration(*(entry(name, mock.port) for name in ("m", "b", "c")), router={"num_retries": 0})
        other = {"model": "c", "messages": [{"role": "user", "content": "something else"}], "max_tokens": 7}
        async with served(text, tmp_path) as gateway:
            answered = await gateway.post(path, ask(fallbacks=["b", other], temperature=0.5, stream=stream))
            alike = await gateway.post(path, ask(fallbacks=[{"model": "c"}], stream=stream))
            nowhere = await gateway.post(path, ask(fallbacks=[{"model": "none", "messages": []}]))
        sent = [json.loads(seen.body) for seen in mock.provider.books.captures]
    assert (answered.status, alike.status, nowhere.status) == (200, 200, 500), answered.body
    assert answered.headers["x-litellm-attempted-fallbacks"] == "2"
    assert [one["model"] for one in sent] == ["m", "b", "c", "m", "c", "m"]
    assert [one["messages"][-1]["content"] for one in sent] == ["hi", "hi", "something else", "hi", "hi", "hi"]
    assert [one.get("max_tokens") for one in sent[:3]] == [64, 64, 7]
    assert [one.get("temperature") for one in sent[:3]] == [0.5] * 3
    assert all("fallbacks" not in one for one in sent)


async def test_a_fallback_that_is_asked_something_shorter_fits_where_the_request_did_not(tmp_path: Path) -> None:
    async with serving() as mock:
        info = {"max_input_tokens": 100}
        text = configuration(
            entry("small", mock.port, info=info),
            entry("tiny", mock.port, info=info),
            router={"enable_pre_call_checks": True},
        )
        long = "many words " * 200
        short = {"model": "tiny", "messages": [{"role": "user", "content": "few words"}]}
        async with served(text, tmp_path) as gateway:
            answered = await gateway.post(CHAT, ask("small", text=long, fallbacks=[short]))
            named = await gateway.post(CHAT, ask("small", text=long, fallbacks=["tiny"]))
    assert (answered.status, named.status) == (200, 400)


@pytest.mark.parametrize(
    ("fallbacks", "told"),
    [
        ([{"model": "b", "tools": []}], "$.fallbacks[0].tools"),
        ([{"model": "b", "api_key": "k"}], "$.fallbacks[0].api_key"),
        ([{"messages": []}], "$.fallbacks[0]"),
        ([3], "$.fallbacks[0]"),
        (["b", {"model": "b", "messages": []}], "twice"),
        ([{"model": "m", "messages": []}], "stand in for itself"),
        ([{"model": str(n)} for n in range(9)], "at most 8"),
    ],
)
async def test_what_a_fallback_may_not_say_is_named(tmp_path: Path, fallbacks: Any, told: str) -> None:
    async with serving() as mock:
        async with served(configuration(*(entry(name, mock.port) for name in "mb")), tmp_path) as gateway:
            answered = await gateway.post(CHAT, ask(fallbacks=fallbacks))
        assert not mock.provider.books.captures
    assert answered.status == 400
    assert told in answered.json()["error"]["message"]


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_a_fallback_that_is_not_here_is_told_and_refused_where_nothing_may_be_lost(
    tmp_path: Path, path: str, wire: str
) -> None:
    async with serving() as mock:
        mock.provider.order("bad", always="status=500")
        text = configuration(*(entry(name, mock.port, wire) for name in ("m", "bad", "b")), router={"num_retries": 0})
        async with served(text, tmp_path) as gateway:
            whole = await gateway.post(path, ask(fallbacks=["b", "nobody"]))
            stream = await gateway.post(path, ask(fallbacks=["nobody"], stream=True))
            failed = await gateway.post(path, ask("bad", fallbacks=["nobody"]))
            stepped_in = await gateway.post(path, ask("bad", fallbacks=["nobody", "b"]))
            strict = await gateway.post(path, ask(fallbacks=["nobody"]), {"x-tollbridge-strict": "true"})
        assert asked_models(mock.provider) == ["m", "m", "bad", "bad", "b"]
    assert [each.status for each in (whole, stream, failed, stepped_in, strict)] == [200, 200, 500, 200, 400]
    assert [each.headers["x-tollbridge-caveats"] for each in (whole, stream, failed)] == [
        "unknown_fallback $.fallbacks[1]",
        "unknown_fallback $.fallbacks[0]",
        "unknown_fallback $.fallbacks[0]",
    ]
    assert all(record.caveats for record in gateway.records[:4])
    error = error_of(path, strict.json())
    assert "'nobody' is not served here - at `$.fallbacks[0]`" in error["message"]


LOSSES = [(CHAT, "anthropic", {"seed": 7}), (MESSAGES, "openai", {"container": "c_7"})]


@pytest.mark.parametrize(("path", "wire", "lost"), LOSSES, ids=["chat", "messages"])
async def test_what_cannot_be_said_is_told_and_refused_only_where_somebody_asked_for_that(
    tmp_path: Path, path: str, wire: str, lost: dict[str, Any]
) -> None:
    (name,) = lost
    async with serving() as mock:
        text = configuration(entry("m", mock.port, wire), entry("exact", mock.port, wire, drop_params=False))
        async with served(text, tmp_path) as gateway:
            told = await gateway.post(path, ask(**lost))
            strict = await gateway.post(path, ask(**lost), {"x-tollbridge-strict": "true"})
            refused = await gateway.post(path, ask("exact", **lost))
            fine = await gateway.post(path, ask("exact"), {"x-tollbridge-strict": "true"})
        assert mock.provider.books.requests == 2, "refusals come before anything is sent"
    assert (told.status, strict.status, refused.status, fine.status) == (200, 400, 400, 200)
    entries = [(record.attempts, record.provider, record.outcome) for record in gateway.records]
    assert entries == [(1, wire, "ok"), (0, "", "client_error"), (0, "", "client_error"), (1, wire, "ok")]
    assert f"$.{name}" in told.headers["x-tollbridge-caveats"]
    assert f"$.{name}" in error_of(path, refused.json())["message"]


@pytest.mark.parametrize(("path", "wire"), [PAIRS[0], PAIRS[3]], ids=["chat", "messages"])
async def test_fields_that_nobody_here_knows_go_on_as_they_came(tmp_path: Path, path: str, wire: str) -> None:
    unknown = {"brand_new": {"deep": [1, 2.50, "\u00e9", None]}, "top_p": 1e-7}
    async with serving() as mock, served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
        await gateway.post(path, ask(**unknown))
        sent = json.loads(mock.provider.books.captures[0].body)
    assert sent == ask(**unknown)


CONTROLS = ["api_base", "base_url", "api_key", "api_version", "custom_llm_provider", "mock_response", "extra_headers"]


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("path", PATHS)
async def test_a_field_that_could_steer_a_credential_never_leaves(tmp_path: Path, path: str, name: str) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        spelled = json.dumps(ask(**{name: "http://127.0.0.1:1"})).replace(name, f"\\u{ord(name[0]):04x}{name[1:]}")
        for body in (ask(**{name: "http://127.0.0.1:1"}), spelled.encode(), ask(**{name: None})):
            answered = await gateway.post(path, body)
            assert answered.status == 400
            assert name in error_of(path, answered.json())["message"]
        assert mock.provider.books.requests == 0


async def test_a_client_without_patience_takes_a_deployment_from_nobody(tmp_path: Path) -> None:
    async def slow(peer: Peer) -> None:
        while await peer.request() is not None:
            await asyncio.sleep(0.3)
            choice = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
            peer.send(answer(json.dumps({"id": "c", "object": "chat.completion", "choices": [choice]}).encode()))

    async with Upstream(slow) as upstream:
        config = configuration(entry("m", upstream.port), router={"num_retries": 1, "allowed_fails": 1})
        async with served(config, tmp_path) as gateway:
            for _ in range(4):
                assert (await gateway.post(CHAT, ask(timeout=0.05))).status == 504
            assert (await gateway.post(CHAT, ask())).status == 200


BETA = {"anthropic-beta": "server-side-fallback-2026-07-01"}


@pytest.mark.parametrize("fallbacks", ["default", [{"model": "b", "max_tokens": 7, "speed": "fast"}]], ids=str)
async def test_fallbacks_that_anthropic_runs_go_on_as_they_came(tmp_path: Path, fallbacks: Any) -> None:
    async with serving() as mock:
        mock.provider.order("bad", always="status=500")
        text = configuration(
            *(entry(name, mock.port, "anthropic") for name in ("m", "b", "bad")), router={"num_retries": 0}
        )
        async with served(text, tmp_path) as gateway:
            there = await gateway.post(MESSAGES, ask(fallbacks=fallbacks), BETA)
            here = await gateway.post(MESSAGES, ask("bad", fallbacks=["b"]), BETA)
            told = await gateway.post(MESSAGES, ask("bad", fallbacks=[{"model": "b", "temperature": 0}]), BETA)
            without = await gateway.post(MESSAGES, ask("bad", fallbacks=[{"model": "b"}]))
        sent = [json.loads(seen.body) for seen in mock.provider.books.captures]
    assert (there.status, here.status, told.status, without.status) == (200, 200, 200, 200)
    assert [one["model"] for one in sent] == ["m", "bad", "b", "bad", "b", "bad", "b"]
    assert sent[0]["fallbacks"] == fallbacks
    assert not any("fallbacks" in one for one in sent[1:])


async def test_fallbacks_that_only_anthropic_runs_are_told_where_another_format_is_asked(tmp_path: Path) -> None:
    async with serving() as mock:
        async with served(configuration(entry("m", mock.port)), tmp_path) as gateway:
            answered = await gateway.post(MESSAGES, ask(fallbacks="default"), BETA)
        sent = json.loads(mock.provider.books.captures[0].body)
    assert answered.status == 200
    assert "fallbacks" not in sent
    assert "fallbacks" in answered.headers["x-tollbridge-caveats"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("said", ["in the request", "by the operator", "by the operator alone"])
async def test_a_service_may_have_a_time_of_its_own(tmp_path: Path, said: str, stream: bool) -> None:
    async with serving() as mock:
        times = {f"{name}timeout_by_service_tier": {"fast": 0.1} for name in ("", "stream_")}
        operators: dict[str, Any] = {} if said == "in the request" else {"service_tier": "fast"}
        if said == "by the operator alone":  # whatever a client says
            operators = {"extra_body": operators}
        clients = {"service_tier": "fast"} if said == "in the request" else {}
        slow = {"model": "openai/mock,delay_ms=700", "timeout": 60, **times}
        text = configuration(
            entry("m", mock.port, **slow, **operators),
            entry("other", mock.port, **slow, extra_body={"service_tier": "other"}),
            router={"num_retries": 0, "disable_cooldowns": True},
        )
        async with served(text, tmp_path) as gateway:
            plain = await gateway.post(CHAT, ask(stream=stream, service_tier="other"))
            fast = await gateway.post(CHAT, ask(stream=stream, **clients))
            others = await gateway.post(CHAT, ask("other", stream=stream, service_tier="fast"))
    assert (plain.status, fast.status, others.status) == (504 if "alone" in said else 200, 504, 200)


async def test_a_request_may_say_a_longer_time_than_its_deployment(tmp_path: Path) -> None:
    async with serving() as mock:
        text = configuration(
            entry("m", mock.port, model="openai/mock,delay_ms=700", timeout=0.1),
            router={"num_retries": 0, "disable_cooldowns": True},
        )
        async with served(text, tmp_path) as gateway:
            shorter, longer = await gateway.post(CHAT, ask()), await gateway.post(CHAT, ask(timeout=30))
    assert (shorter.status, longer.status) == (504, 200)
