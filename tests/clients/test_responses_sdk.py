"""The openai SDK's `responses` through `tollbridge serve`: before OpenAI's own recordings, which are relayed, and
before chat-only providers and Anthropic, whose answers are translated. And the other SDKs before a provider that is
asked in the Responses format."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

from tests.clients import said, telling
from tests.clients.asked import MESSAGES, MESSAGES_TOOLS, QUESTION, SCHEMA, SYSTEM
from tests.clients.running import (
    CUT,
    KEY,
    PROVIDER_KEY,
    Upstream,
    chat_entries,
    deployment,
    messages_entries,
    responses_entries,
    serving,
)
from tests.clients.said import Said

FEATURES = ("tool_calls", "parallel_tools", "thinking", "structured_output", "server_tools", "truncated")
TOOLS: list[Any] = [{"type": "function", "name": "get_weather", "description": "The weather", "parameters": SCHEMA}]
ASKED: dict[str, Any] = {"instructions": SYSTEM, "input": QUESTION, "tools": TOOLS}


def native(*, stream: bool) -> list[Any]:
    """A recording of each provider and each feature that it shows."""
    found: dict[str, str] = {}
    for entry in responses_entries():
        if entry["status"] != 200 or bool(entry["stream_format"]) != stream:
            continue
        if said.of(said.recording(entry["id"])).end is None:
            continue
        for feature in ("", *FEATURES):
            if not feature or feature in entry["features"]:
                found.setdefault(f"{entry['provider']}-{feature or 'plain'}", entry["id"])
    return [pytest.param(id, id=name) for name, id in found.items()]


NATIVE = native(stream=False)
NATIVE_STREAMS = native(stream=True)
TRANSLATED = [*telling.chat(stream=False), *telling.messages(stream=False)]
TRANSLATED_STREAMS = [*telling.chat(stream=True), *telling.messages(stream=True)]
REFUSED = [entry["id"] for entry in responses_entries() if entry["status"] in (400, 401)]
CUTS = [param.values[0] for param in TRANSLATED_STREAMS[:6]]


@pytest.fixture(scope="module")
def gateway(replay_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Recordings of the format under their ids, natively; `<id>;first` the same, asked in it by every client. Those of
    the other formats are of providers that speak nothing else."""
    replay = replay_server.url
    models = [deployment(entry, replay) for entry in responses_entries()]
    for entry in responses_entries():
        model = deployment(entry, replay)
        provider, _, name = model["litellm_params"]["model"].partition("/")
        model["litellm_params"]["model"] = f"{provider}/responses/{name}"
        models.append({**model, "model_name": f"{entry['id']};first"})
    for entry in (*chat_entries(), *messages_entries()):
        models.append({**deployment(entry, replay), "model_info": {"mode": "chat"}})
        if entry["stream_format"]:
            models.append({**deployment(entry, replay, CUT), "model_info": {"mode": "chat"}})
    text = json.dumps({"model_list": models, "router_settings": {"disable_cooldowns": True}})
    with serving(text, tmp_path_factory.mktemp("responses")) as url:
        yield url


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key=KEY, max_retries=0) as client:
        yield client


def held(response: Response) -> Said:
    found = said.of_response(response.model_dump(warnings=False))
    assert response.output_text in found.text  # which has refusals too
    return found


def reached(replay: Upstream, id: str) -> dict[str, Any]:
    """The body of the one request that went upstream: to this recording, as the provider's own."""
    capture = replay.last()
    assert (capture["id"], capture["method"]) == (id, "POST")
    shown = json.dumps(capture)
    assert KEY not in shown
    assert PROVIDER_KEY not in shown
    body: dict[str, Any] = capture["body"]
    return {**body, "(path)": capture["path"]}


# Relayed


@pytest.mark.parametrize("id", NATIVE)
def test_a_native_answer_is_what_was_recorded(client: openai.OpenAI, replay: Upstream, id: str) -> None:
    answer = client.responses.with_raw_response.create(model=id, store=True, **ASKED)
    recorded = said.recording(id)
    assert json.loads(answer.text) == recorded["response_body"]
    assert held(answer.parse()) == said.of(recorded)
    body = reached(replay, id)
    assert body.pop("(path)").endswith("/responses")
    assert body == {"store": True, "model": recorded["model"], **ASKED}


def test_a_conversation_that_the_provider_keeps_goes_on_there(client: openai.OpenAI, replay: Upstream) -> None:
    id = NATIVE[0].values[0]
    first = client.responses.create(model=id, **ASKED)
    replay.forget()
    client.responses.create(model=id, input="And tomorrow?", previous_response_id=first.id)
    body = reached(replay, id)
    assert (body["previous_response_id"], body["input"]) == (first.id, "And tomorrow?")
    with pytest.raises(openai.BadRequestError, match="not found"):
        client.responses.create(model=id, input="And tomorrow?", previous_response_id="resp_of_somebody")


@pytest.mark.parametrize("id", NATIVE_STREAMS)
def test_a_native_stream_is_what_was_recorded(client: openai.OpenAI, replay: Upstream, id: str) -> None:
    events = list(client.responses.create(model=id, stream=True, **ASKED))
    wanted = said.events(said.recording(id)["response_text"])
    assert [event.type for event in events] == [event["type"] for event in wanted]
    assert reached(replay, id)["stream"] is True


# Translated


@pytest.mark.parametrize("id", TRANSLATED)
def test_a_translated_answer_says_what_was_recorded(client: openai.OpenAI, replay: Upstream, id: str) -> None:
    answer = client.responses.create(model=id, **ASKED)
    assert held(answer) == said.of(said.recording(id))
    assert answer.object == "response"
    assert (answer.instructions, [tool.type for tool in answer.tools]) == (SYSTEM, ["function"])
    body = reached(replay, id)
    assert not body["(path)"].endswith("/responses")
    assert QUESTION in json.dumps(body["messages"])
    assert "get_weather" in json.dumps(body["tools"])


@pytest.mark.parametrize("id", TRANSLATED_STREAMS)
def test_a_translated_stream_that_the_sdk_puts_together_says_what_was_recorded(client: openai.OpenAI, id: str) -> None:
    recorded = said.of(said.recording(id))
    text, arguments, last = "", "", None
    with client.responses.stream(model=id, **ASKED) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                text += event.delta
            elif event.type == "response.function_call_arguments.delta":
                arguments += event.delta
            last = event
    assert last is not None
    assert last.type in ("response.completed", "response.incomplete")
    assert held(last.response) == recorded
    assert text == recorded.text
    if len(recorded.calls) == 1:
        assert said.parsed(arguments) == recorded.calls[0][1]


async def test_the_asynchronous_client_gets_the_same(gateway: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{gateway}/v1", api_key=KEY, max_retries=0) as client:

        async def streamed(id: str) -> None:
            async with client.responses.stream(model=id, **ASKED) as stream:
                last = [event async for event in stream][-1]
            assert last.type in ("response.completed", "response.incomplete")
            assert held(last.response) == said.of(said.recording(id))

        await asyncio.gather(*(streamed(param.values[0]) for param in TRANSLATED_STREAMS))


def _is_json(entry: dict[str, Any]) -> bool:
    return said.of(said.recording(entry["id"])).text.startswith("{")


class Anything(BaseModel, extra="allow"):
    pass


def test_structured_output_is_parsed(client: openai.OpenAI, replay: Upstream) -> None:
    id = telling.one("openai", "structured_output", stream=False, where=_is_json)
    answer = client.responses.parse(model=id, input=QUESTION, text_format=Anything)
    parsed = answer.output_parsed
    assert parsed is not None
    assert parsed.model_dump() == json.loads(said.of(said.recording(id)).text)
    asked = reached(replay, id)["response_format"]
    assert (asked["type"], asked["json_schema"]["name"]) == ("json_schema", "Anything")


@pytest.mark.parametrize("provider", ["groq", "anthropic"])
def test_a_tools_output_goes_back_with_its_call(client: openai.OpenAI, replay: Upstream, provider: str) -> None:
    id = telling.one(provider, "tool_calls", stream=False)
    first = client.responses.create(model=id, **ASKED)
    items: list[Any] = [{"role": "user", "content": QUESTION}, *(item.to_dict() for item in first.output)]
    calls = [item for item in first.output if item.type == "function_call"]
    outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": "Rain"} for call in calls]
    replay.forget()
    client.responses.create(model=id, input=[*items, *outputs], tools=TOOLS)
    sent = reached(replay, id)["messages"]
    assert calls
    for call in calls:
        assert sum(json.dumps(message).count(call.call_id) for message in sent) == 2
    assert "Rain" in json.dumps(sent[-1])


def test_thinking_of_anthropics_comes_home_with_its_signature(client: openai.OpenAI, replay: Upstream) -> None:
    id = telling.one("anthropic", "thinking", "tool_calls", stream=False)
    first = client.responses.create(model=id, include=["reasoning.encrypted_content"], **ASKED)
    reasoning = next(item for item in first.output if item.type == "reasoning")
    recorded = next(b for b in said.recording(id)["response_body"]["content"] if b["type"] == "thinking")
    assert reasoning.summary[0].text == recorded["thinking"]
    assert reasoning.encrypted_content
    assert reasoning.encrypted_content.startswith("tb1.")
    outputs = [
        {"type": "function_call_output", "call_id": item.call_id, "output": "Rain"}
        for item in first.output
        if item.type == "function_call"
    ]
    items: list[Any] = [{"role": "user", "content": QUESTION}, *(item.to_dict() for item in first.output), *outputs]
    replay.forget()
    client.responses.create(model=id, input=items, tools=TOOLS)
    thoughts = [
        block
        for message in reached(replay, id)["messages"]
        for block in (message["content"] if isinstance(message["content"], list) else [])
        if block["type"] == "thinking"
    ]
    assert [(block["thinking"], block["signature"]) for block in thoughts] == [
        (recorded["thinking"], recorded["signature"])
    ]


# The provider is asked in the format; the client is another one


@pytest.mark.parametrize("id", NATIVE_STREAMS)
def test_the_chat_sdk_hears_what_was_recorded(client: openai.OpenAI, replay: Upstream, id: str) -> None:
    stream = client.chat.completions.create(
        model=f"{id};first", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    found = said.of_chat_chunks([chunk.model_dump(warnings=False) for chunk in stream])
    assert found == said.of(said.recording(id))
    body = reached(replay, id)
    assert (body["(path)"].endswith("/responses"), body["store"]) == (True, False)
    assert body["include"] == ["reasoning.encrypted_content"]


@pytest.mark.parametrize("id", NATIVE)
def test_the_messages_sdk_hears_what_was_recorded(gateway: str, replay: Upstream, id: str) -> None:
    with anthropic.Anthropic(base_url=gateway, api_key=KEY, max_retries=0) as claude:
        answer = claude.messages.create(model=f"{id};first", max_tokens=100, messages=MESSAGES, tools=MESSAGES_TOOLS)
    assert said.of_messages(answer.model_dump(warnings=False)) == said.of(said.recording(id))
    assert reached(replay, id)["tools"][0]["strict"] is False


# What goes wrong


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("id", REFUSED)
def test_a_refusal_is_the_sdks_own_exception(client: openai.OpenAI, id: str, streamed: bool) -> None:
    recorded = said.recording(id)
    with pytest.raises(openai.APIStatusError) as raised:
        client.responses.create(model=id, stream=streamed, **ASKED)
    assert raised.value.status_code == recorded["status"]
    assert raised.value.code == recorded["response_body"]["error"]["code"]
    assert raised.value.request_id


@pytest.mark.parametrize("id", CUTS)
def test_a_cut_stream_is_an_error_and_no_short_answer(client: openai.OpenAI, id: str) -> None:
    seen = []
    with pytest.raises(openai.APIError, match=r"ended before|closed|broke|incomplete"):
        for event in client.responses.create(model=id + CUT, stream=True, **ASKED):
            seen.append(event.type)
    assert seen[:2] in (["response.created", "response.in_progress"], [])
    assert "response.completed" not in seen


@pytest.mark.parametrize("field", ["previous_response_id", "conversation"])
def test_what_nobody_keeps_for_a_translated_model_is_refused(client: openai.OpenAI, field: str) -> None:
    id = telling.one("anthropic", "tool_calls", stream=False)
    given: Any = {field: "resp_0"}
    with pytest.raises(openai.BadRequestError, match="Send") as raised:
        client.responses.create(model=id, input="Hi", **given)
    assert raised.value.param == field


def test_a_body_that_is_no_request_is_refused_with_its_path(client: openai.OpenAI) -> None:
    id = telling.one("anthropic", "tool_calls", stream=False)
    wrong: Any = [{"role": "user", "content": 7}]
    with pytest.raises(openai.BadRequestError, match=r"\$\.input\[0\]\.content") as raised:
        client.responses.create(model=id, input=wrong)
    assert raised.value.param == "input[0].content"


def polled(client: openai.OpenAI, id: str) -> Response:
    until = time.monotonic() + 20
    while (response := client.responses.retrieve(id)).status in ("queued", "in_progress"):
        assert time.monotonic() < until
        time.sleep(0.02)
    return response


@pytest.mark.parametrize("id", NATIVE)
def test_a_native_answer_comes_in_the_background_as_it_was_recorded(client: openai.OpenAI, id: str) -> None:
    begun = client.responses.create(model=id, background=True, **ASKED)
    response = polled(client, begun.id)
    recorded = dict(said.recording(id)["response_body"])
    own = {"id": begun.id, "background": True, "store": True, "previous_response_id": None}
    assert response.to_dict() == {**recorded, **own}


@pytest.mark.parametrize("id", TRANSLATED)
def test_a_translated_answer_comes_in_the_background_as_it_would_have_come(client: openai.OpenAI, id: str) -> None:
    at_once = client.responses.create(model=id, **ASKED)
    response = polled(client, client.responses.create(model=id, background=True, **ASKED).id)
    assert held(response) == held(at_once)
    assert response.status == at_once.status


@pytest.mark.parametrize("id", [*NATIVE_STREAMS, *TRANSLATED_STREAMS])
def test_a_stream_in_the_background_is_told_again_from_any_event_on(client: openai.OpenAI, id: str) -> None:
    first = list(client.responses.create(model=id, background=True, stream=True, **ASKED))
    response = getattr(first[0], "response")  # noqa: B009  # of the event that begins a response
    middle = first[len(first) // 2].sequence_number
    rest = list(client.responses.retrieve(response.id, stream=True, starting_after=middle))
    assert [event.to_dict() for event in rest] == [event.to_dict() for event in first[len(first) // 2 + 1 :]]
    assert polled(client, response.id).to_dict() == getattr(first[-1], "response").to_dict()  # noqa: B009
