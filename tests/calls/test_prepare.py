"""What goes out for one ask: usage is always asked for, whoever wants it; a body of any shape is no error of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from tests.shared import SHARED
from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.errors import BadRequestError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.gemini.signature import close_signature
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.seal import Seals

SEALS = Seals(b"k" * 32)
RELAYED, PATCHED = "openai/gpt-4o", "deepseek/deepseek-chat"


def deployment(model: str) -> Deployment:
    return build(Wanted(id="d", group="m", model=model, given=Given(api_key="k")), {}, ROWS)


def prepared(model: str, *, include_usage: bool = False, **fields: Any) -> Prepared:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True, **fields})
    ask = Ask(OPENAI_CHAT, body.encode(), peek(body.encode()), "m", stream=True, include_usage=include_usage)
    return prepare(ask, deployment(model))


@pytest.mark.parametrize("model", [RELAYED, PATCHED])
@pytest.mark.parametrize("include_usage", [True, False])
def test_usage_is_asked_for_in_any_case_and_hidden_where_nobody_wants_it(model: str, include_usage: bool) -> None:
    made = prepared(model, include_usage=include_usage, stream_options={"other": 1})
    sent = json.loads(made.outgoing.body)
    assert sent["stream_options"] == {"other": 1, "include_usage": True}
    assert made.hides_usage is not include_usage


@pytest.mark.parametrize("model", [RELAYED, PATCHED])
@pytest.mark.parametrize("options", ["x", 5, [1]])
def test_stream_options_of_another_shape_are_the_clients_error(model: str, options: Any) -> None:
    with pytest.raises(BadRequestError, match="stream_options"):
        prepared(model, stream_options=options)


def sent(body: bytes, *, model: str, dialect: Wire = OPENAI_CHAT, **wanted: Any) -> bytes:
    """What goes out for a body, to a deployment of `model`."""
    given = Given(api_key="k", api_base="https://own.openai.azure.com") if "azure" in model else Given(api_key="k")
    made = build(Wanted(id="d", group="m", model=model, given=given, **wanted), {}, ROWS)
    return prepare(Ask(dialect, body, peek(body), "m", stream=False), made).outgoing.body


RENAMED = [
    ("openai/gpt-5-mini", "max_tokens", "max_completion_tokens"),
    ("azure/o3", "max_tokens", "max_completion_tokens"),
    ("mistral/mistral-large-latest", "max_completion_tokens", "max_tokens"),
    ("mistral/mistral-large-latest", "seed", "random_seed"),
]


@pytest.mark.parametrize(("model", "theirs", "own"), RENAMED)
def test_a_field_goes_out_by_the_providers_own_name(model: str, theirs: str, own: str) -> None:
    def named(said: str, **wanted: Any) -> dict[str, Any]:
        body = json.loads(sent(b'{"model":"m","messages":[]%b}' % said.encode(), model=model, **wanted))
        return {name: value for name, value in body.items() if name in (theirs, own)}

    assert named("") == {}
    assert named(f',"{theirs}":5') == {own: 5}
    assert named(f',"{theirs}":5,"{own}":3') == {own: 3}
    assert named(f',"{theirs}":5,"{own}":null') == {own: 5}
    assert named("", defaults={theirs: 9}) == {own: 9}
    assert named(f',"{theirs}":5', defaults={theirs: 9}) == named(f',"{theirs}":5', defaults={own: 9}) == {own: 5}
    assert named(f',"{own}":5', defaults={theirs: 9}) == {own: 5}
    assert named(f',"{theirs}":5', forced={own: 1}) == {own: 1}
    assert named(f',"{theirs}":5', drops=(theirs,)) == named(f',"{own}":5', drops=(theirs,)) == {}


def test_a_renamed_field_does_not_keep_the_rest_from_being_relayed() -> None:
    odd = b'[ {"role" : "user", "content": "\\u00e9", "content": "twice"} ]'
    body = b'{"model":"m","messages":%b,"max_tokens":1e2}' % odd
    for model in ("openai/gpt-5", "azure/o4-mini"):
        out = sent(body, model=model)
        assert odd in out
        assert b'"max_completion_tokens":1e2' in out
    assert b'"max_tokens":1e2' in sent(body, model="openai/gpt-4o")


def test_what_the_operator_would_have_sent_and_the_provider_refuses_is_left_out_and_told() -> None:
    for model in ("openai/gpt-5-mini", "mistral/mistral-large-latest"):
        body = b'{"model":"m","messages":[]}'
        refused = {"temperature": 0.3} if "gpt" in model else {"user": "u"}
        made = build(Wanted(id="d", group="m", model=model, given=Given(api_key="k"), defaults=refused), {}, ROWS)
        out = prepare(Ask(OPENAI_CHAT, body, peek(body), "m", stream=False), made)
        assert not json.loads(out.outgoing.body).keys() & refused.keys()
        assert [caveat.where for caveat in out.caveats] == [f"$.{name}" for name in refused]


def test_another_dialect_reaches_the_same_names() -> None:
    body = b'{"model":"m","max_tokens":7,"messages":[{"role":"user","content":"hi"}]}'
    for model, name in (("openai/gpt-5", "max_completion_tokens"), ("mistral/mistral-large-latest", "max_tokens")):
        assert json.loads(sent(body, model=model, dialect=ANTHROPIC_MESSAGES))[name] == 7


DROPPED_THERE_ALONE = {"mistral": {"presence_penalty"}}
"""Mistral's reference has it; the other leaves it out."""


@pytest.mark.parametrize(
    ("target", "model"), [("openai_reasoning", "openai/gpt-5-mini"), ("mistral", "mistral/mistral-large-latest")]
)
def test_names_are_those_that_a_widely_used_implementation_sends(target: str, model: str) -> None:
    names = {"max_tokens", "max_completion_tokens", "seed", "random_seed", "temperature", "top_p", "presence_penalty"}
    compared = 0
    for case in msgspec.json.decode((SHARED / "parity" / "requests" / f"chat_{target}.json").read_bytes())["cases"]:
        exchanges = case.get("sent") or case.get("with_drop_params", {}).get("sent") or []
        bodies = [exchange["body"] for exchange in exchanges if exchange["url"].endswith("/chat/completions")]
        if not bodies or not names & case["request"].keys():
            continue
        ours = json.loads(sent(msgspec.json.encode({"model": "m", **case["request"]}), model=model))
        for name in names & (bodies[0].keys() | ours.keys()):
            if name in bodies[0] or name not in DROPPED_THERE_ALONE.get(target, ()):
                assert ours.get(name) == bodies[0].get(name), (case["shape"], name)
        compared += 1
    assert compared >= 3


# A format that has the model, and whether to stream, in its path

CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def outgoing(model: str, body: dict[str, Any], dialect: Wire = GEMINI, stream: bool = False, **extra: Any) -> Prepared:
    given = Given(api_key="ya29.k" if "vertex" in model else "k", extra={"vertex_project": "acme", **extra})
    made = build(Wanted(id="d", group="m", model=model, given=given), {}, ROWS)
    raw = json.dumps(body).encode()
    return prepare(Ask(dialect, raw, peek(raw), "m", stream=stream, seals=SEALS), made)


@pytest.mark.parametrize("stream", [True, False])
def test_the_path_says_what_the_body_does_not(stream: bool) -> None:
    made = outgoing("gemini/gemini-2.5-pro", {**CONTENTS, "odd_field": 1}, stream=stream)
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    assert made.outgoing.target == f"/v1beta/models/gemini-2.5-pro:{method}"
    assert made.outgoing.target.encode() in made.outgoing.head
    assert json.loads(made.outgoing.body) == {**CONTENTS, "odd_field": 1}
    assert made.relayed


def test_a_seal_is_opened_before_anybody_else_sees_it() -> None:
    """Gemini's own goes home; another's stays here. Both stand in base64, as clients of this dialect hold them."""
    sealed = [
        {"text": "Hm", "thought": True, "thoughtSignature": close_signature(origin, "", "secret-one", SEALS)}
        for origin in ("gemini", "anthropic_messages")
    ]
    body = {"contents": [*CONTENTS["contents"], {"role": "model", "parts": [*sealed, {"text": "So"}]}]}
    made = outgoing("gemini/gemini-2.5-pro", body)
    assert json.loads(made.outgoing.body)["contents"][1]["parts"] == [
        {"text": "Hm", "thought": True, "thoughtSignature": "secret-one"},
        {"text": "So"},
    ]
    assert [caveat.code for caveat in made.caveats] == ["foreign_signature"]
    assert made.relayed


@pytest.mark.parametrize("dialect", [ANTHROPIC_MESSAGES, OPENAI_CHAT], ids=["relayed", "translated"])
def test_claude_on_vertex_has_its_model_in_the_path_and_its_version_in_the_body(dialect: Wire) -> None:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "stream": True}
    made = outgoing("vertex_ai/claude-sonnet-4-5", body, dialect, stream=True)
    assert made.outgoing.target.endswith("/publishers/anthropic/models/claude-sonnet-4-5:streamRawPredict")
    sent = json.loads(made.outgoing.body)
    assert "model" not in sent
    assert (sent["anthropic_version"], sent["stream"]) == ("vertex-2023-10-16", True)
    assert made.caveats == ()


# Tools where a model has none

OFFERED = [{"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}]


def test_tools_are_put_into_words_where_the_model_has_none() -> None:
    for model in ("ollama/llama2", "gemini/gemma-3-27b-it", "openai/o1-mini"):
        made = prepared(model, tools=OFFERED)
        body = json.loads(made.outgoing.body)
        assert "tools" not in body
        assert '\\"name\\":\\"now\\"' in made.outgoing.body.decode()
        assert not made.relayed
        assert made.wire is not deployment(model).wire
        assert "$.tools" in [caveat.where for caveat in made.caveats]


def test_a_request_without_tools_is_read_by_the_wire_itself() -> None:
    for model in ("ollama/llama2", "openai/o1-mini"):
        made = prepared(model)
        assert made.wire is deployment(model).wire
        assert made.caveats == ()
    assert prepared("openai/o1-mini").relayed


def test_a_model_with_tools_is_offered_them_as_they_are() -> None:
    made = prepared(RELAYED, tools=OFFERED)
    assert (made.relayed, made.wire is OPENAI_CHAT) == (True, True)
    assert json.loads(made.outgoing.body)["tools"] == OFFERED
    assert json.loads(prepared("ollama/llama3.1", tools=OFFERED).outgoing.body)["tools"] == OFFERED


LOADED = """
import sys
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.prepare import prepare
from tollbridge.providers.table import ROWS

def loaded():
    rooms = ("cohere", "ollama", "tools_in_words")
    return {room for room in rooms if f"tollbridge.wires.{room}" in sys.modules}

assert loaded() == set(), loaded()
build(Wanted(id="d", group="m", model="ollama/x"), {}, ROWS)
assert loaded() == {"ollama"}, loaded()
"""


def test_a_wire_that_only_providers_speak_loads_when_it_is_wanted() -> None:
    subprocess.run([sys.executable, "-c", LOADED], check=True)


def test_a_field_that_only_some_formats_have_is_kept_where_there_is_one() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://i.example/a.png", "detail": "low"}}
    said = {"messages": [{"role": "user", "content": [{"type": "text", "text": "?"}, picture]}]}
    made = prepared("cohere/command-a-vision-07-2025", **said)
    assert json.loads(made.outgoing.body)["messages"][0]["content"][1] == picture
    assert made.caveats == ()
    assert "dropped_field" in [caveat.code for caveat in prepared("ollama/llava", **said).caveats]
