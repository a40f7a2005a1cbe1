"""An answer that must fit a schema, where the provider's format has no word for one: by a tool, else in words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming, exchange
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.calls.structured import ANSWER, AsText, as_text, fit
from tollbridge.errors import UnsupportedParamsError
from tollbridge.model.events import Closed, Event, Extra, Finished, Grew, Noted, Opened
from tollbridge.model.parts import Text, Thinking, ToolCall
from tollbridge.model.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from tollbridge.model.response import Choice, Finish, Response, Usage
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.transport.base import Outgoing
from tollbridge.transport.inprocess import InProcess, Reply
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Target, Wire
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
HI = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
PARIS = '{"city": "Paris"}'


def deployment(model: str, **wanted: Any) -> Deployment:
    return build(Wanted(id="d", group="m", model=model, given=Given(api_key="k"), **wanted), {}, ROWS)


def asking(dialect: Wire = OPENAI_CHAT, *, stream: bool = False, **fields: Any) -> Ask:
    body = json.dumps({"model": "m", **fields, **({"stream": True} if stream else {})}).encode()
    return Ask(dialect, body, peek(body), "m", stream=stream)


def prepared(model: str, **fields: Any) -> tuple[Prepared, dict[str, Any]]:
    made = prepare(asking(**{**HI, "response_format": FORMAT, **fields}), deployment(model))
    return made, json.loads(made.outgoing.body)


FORCED = "groq/llama-3.3-70b-versatile"
CLAUDE = "anthropic/claude-3-5-haiku-20241022"


def test_the_model_is_made_to_call_a_tool_that_has_the_schema() -> None:
    made, body = prepared(FORCED, temperature=0.5, vendor_field=1)
    tool = body["tools"][0]["function"]
    assert (tool["name"], tool["parameters"]) == (ANSWER, SCHEMA)
    assert body["tool_choice"] == {"type": "function", "function": {"name": ANSWER}}
    assert "response_format" not in body
    assert (body["temperature"], body["vendor_field"]) == (0.5, 1)
    assert [(caveat.code, caveat.where) for caveat in made.caveats] == [("approximated", "$.response_format")]
    assert made.by_tool
    assert not made.relayed


def test_beside_the_clients_tools_some_call_is_asked_for() -> None:
    _, body = prepared(FORCED, tools=[TOOL])
    assert [tool["function"]["name"] for tool in body["tools"]] == ["f", ANSWER]
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)
    _, body = prepared(FORCED, tools=[TOOL], tool_choice="none")
    assert [tool["function"]["name"] for tool in body["tools"]] == [ANSWER]


def test_older_models_of_anthropics_are_asked_so_and_newer_natively() -> None:
    made, body = prepared(CLAUDE)
    assert body["tool_choice"] == {"type": "tool", "name": ANSWER}
    assert body["tools"][0]["input_schema"] == SCHEMA
    assert made.by_tool
    made, body = prepared("anthropic/claude-sonnet-4-5")
    assert "output_config" in body
    assert not made.by_tool
    for model in ("claude-sonnet-4-20250514", "claude-opus-4-1", "claude-opus-4-0", "claude-3-haiku-20240307"):
        assert prepared(f"anthropic/{model}")[0].by_tool
    for model in ("claude-opus-4-6", "claude-haiku-4-5", "claude-opus-5", "claude-sonnet-4-10"):
        assert not prepared(f"anthropic/{model}")[0].by_tool


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("zai/glm-4.6", {}),  # cannot force a tool
        ("deepseek/deepseek-chat", {}),  # its row prefers it
        (FORCED, {"tools": [TOOL], "tool_choice": "required"}),  # the client forces one itself
        (FORCED, {"reasoning_effort": "high"}),
        (
            FORCED,
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "array"}}}},
        ),
    ],
)
def test_where_no_call_can_be_forced_the_schema_is_told_in_words(model: str, fields: dict[str, Any]) -> None:
    made, body = prepared(model, **fields)
    assert body["response_format"] == {"type": "json_object"}
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["system", "user"]
    schema = fields.get("response_format", FORMAT)["json_schema"]["schema"]
    told = json.dumps(body["messages"][0]["content"])
    assert json.dumps(json.dumps(schema, separators=(",", ":")))[1:-1] in told
    assert '"s' in told, "what the client said comes first"
    assert [caveat.code for caveat in made.caveats if caveat.where == "$.response_format"] == ["approximated"]
    assert not made.by_tool
    assert made.relayed


@pytest.mark.parametrize("field", ["output_config", "output_format"])
def test_a_client_of_anthropics_is_asked_so_where_its_format_is_the_models_own(field: str) -> None:
    said = {"type": "json_schema", "schema": SCHEMA}
    asked = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, "system": "s"}
    asked[field] = {"format": said} if field == "output_config" else said
    made = prepare(asking(ANTHROPIC_MESSAGES, **asked), deployment(CLAUDE))
    body = json.loads(made.outgoing.body)
    assert body["tool_choice"] == {"type": "tool", "name": ANSWER}
    assert field not in body
    assert made.by_tool
    place = deployment("deepseek/deepseek-chat").for_dialect(ANTHROPIC_MESSAGES.name)
    made = prepare(asking(ANTHROPIC_MESSAGES, **asked), place)
    body = json.loads(made.outgoing.body)
    assert [block["text"].strip()[:6] for block in body["system"]] == ["s", "Answer"]
    assert field not in body
    assert made.relayed
    assert [caveat.code for caveat in made.caveats] == ["approximated"]


def test_a_client_of_the_responses_format_is_asked_so_too() -> None:
    place = deployment("deepseek/deepseek-chat").for_dialect(OPENAI_RESPONSES.name)
    text = {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}}
    made = prepare(asking(OPENAI_RESPONSES, input="hi", text=text), place)
    assert "json_schema" not in json.dumps(json.loads(made.outgoing.body).get("text"))
    assert [caveat.code for caveat in made.caveats] == ["approximated"]


def test_a_model_without_tools_and_json_mode_is_asked_in_words_alone() -> None:
    request = Request(
        model="m", messages=(Message(role="user", parts=(Text(text="hi"),)),), output=OutputFormat(kind="schema")
    )
    fitted = fit(request, Target(model="m", lacks=frozenset({"response_schema", "response_json", "tools"})))
    assert fitted.request.output is None
    assert [message.role for message in fitted.request.messages] == ["system", "user"]


@pytest.mark.parametrize("model", [FORCED, "openai/gpt-4o", "mistral/mistral-large-latest", "cerebras/llama3.1-8b"])
@pytest.mark.parametrize("said", [None, {"type": "text"}, {"type": "json_object"}])
def test_what_asks_for_no_schema_goes_on_as_it_is(model: str, said: Any) -> None:
    made, body = prepared(model, response_format=said)
    assert body["response_format"] == said
    assert made.relayed


def test_strict_refuses_an_answer_that_nothing_holds_to_its_schema() -> None:
    ask = asking(**HI, response_format=FORMAT)
    with pytest.raises(UnsupportedParamsError, match="schema"):
        prepare(ask, deployment(FORCED, strict=True))


def test_what_cannot_be_made_into_a_tool_beside_one_of_its_name() -> None:
    request = Request(model="m", tools=(Tool(name=ANSWER),), output=OutputFormat(kind="schema", schema=SCHEMA))
    assert not fit(request, Target(model="m", lacks=frozenset({"response_schema"}))).by_tool
    thinks = Request(model="m", reasoning=Reasoning(effort="none"), output=OutputFormat(kind="schema", schema=SCHEMA))
    assert fit(thinks, Target(model="m", lacks=frozenset({"response_schema"}))).by_tool
    allowed = msgspec.structs.replace(thinks, tool_choice=ToolChoice(mode="auto", allowed=("f",)))
    assert not fit(allowed, Target(model="m", lacks=frozenset({"response_schema"}))).by_tool


# the way back

CALL = ToolCall(id="c", name=ANSWER, arguments=PARIS)
OTHER = ToolCall(id="o", name="f", arguments="{}")
CALLS, STOP = Finish(reason="tool_calls", raw="tool_calls"), Finish(reason="stop")


@pytest.mark.parametrize(
    ("parts", "finish", "told", "ended"),
    [
        ((CALL,), CALLS, (Text(text=PARIS),), STOP),
        ((Text(text="Here:"), CALL), CALLS, (Text(text=PARIS),), STOP),
        ((Thinking(text="t"), CALL), CALLS, (Thinking(text="t"), Text(text=PARIS)), STOP),
        ((CALL, OTHER), CALLS, (Text(text=PARIS), OTHER), CALLS),
        ((Text(text="Let me look."), OTHER), CALLS, (Text(text="Let me look."), OTHER), CALLS),
        (
            (Text(text=PARIS),),
            Finish(reason="stop", raw="stop"),
            (Text(text=PARIS),),
            Finish(reason="stop", raw="stop"),
        ),
        ((CALL,), Finish(reason="length"), (Text(text=PARIS),), Finish(reason="length")),
    ],
)
def test_a_call_of_the_answer_is_the_text_that_was_asked_for_whole_and_in_a_stream(
    parts: tuple[Any, ...], finish: Finish, told: tuple[Any, ...], ended: Finish
) -> None:
    whole = as_text(Response(choices=(Choice(parts=parts, finish=finish),))).choices[0]
    assert (whole.parts, whole.finish) == (told, ended)
    assert folded(AsText()(events_of(parts, finish))) == (list(told), ended)


def events_of(parts: Iterable[Any], finish: Finish) -> Iterable[Event]:
    """In pieces of one letter."""
    for index, part in enumerate(parts):
        if isinstance(part, ToolCall):
            yield Opened(0, index, ToolCall(id=part.id, name=part.name))
            yield from (Grew(0, index, letter, "arguments") for letter in part.arguments)
        else:
            yield Opened(0, index, type(part)(text=""))
            yield from (Grew(0, index, letter) for letter in part.text)
        yield Noted(Extra(of="part", index=index, value={"x": 1}))
        yield Closed(0, index)
    yield Noted(Usage(input=1, output=1))
    yield Finished(0, finish)


def folded(events: Iterable[Event]) -> tuple[list[Any], Finish | None]:
    parts: list[Any] = []
    finish = None
    for event in events:
        match event:
            case Opened(index=index, part=part):
                assert index == len(parts), "parts count up from 0"
                parts.append(part)
            case Grew(index=index, text=text, aspect="arguments"):
                parts[index] = ToolCall(
                    id=parts[index].id, name=parts[index].name, arguments=parts[index].arguments + text
                )
            case Grew(index=index, text=text):
                parts[index] = type(parts[index])(text=parts[index].text + text)
            case Finished(finish=finish):
                pass
            case _:
                pass
    return parts, finish


# end to end, without a network

COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": "Sure:",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": ANSWER, "arguments": PARIS}}],
            },
        }
    ],
    "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
}


def pieces() -> list[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        said = {**COMPLETION, "object": "chat.completion.chunk", "choices": [choice], "usage": None}
        return b"data: %b\n\n" % json.dumps(said).encode()

    def call(**function: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]}

    usage = {**COMPLETION, "object": "chat.completion.chunk", "choices": []}
    return [
        chunk({"role": "assistant", "content": "Su"}),
        chunk({"content": "re:"}),
        chunk(call(name=ANSWER, arguments="")),
        *(chunk({"tool_calls": [{"index": 0, "function": {"arguments": letter}}]}) for letter in PARIS),
        chunk({}, "tool_calls"),
        b"data: %b\n\n" % json.dumps(usage).encode(),
        b"data: [DONE]\n\n",
    ]


def provider(*said: bytes) -> InProcess:
    def reply(_: Outgoing) -> Reply:
        return Reply(200, (), said)

    return InProcess(reply)


@pytest.mark.parametrize("dialect", [OPENAI_CHAT, OPENAI_RESPONSES])
async def test_a_client_gets_the_answer_as_text(dialect: Wire) -> None:
    if dialect is OPENAI_CHAT:
        ask = asking(**HI, response_format=FORMAT)
    else:
        ask = asking(dialect, input="hi", text={"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}})
    answer = await exchange(ask, deployment(FORCED), provider(json.dumps(COMPLETION).encode()))
    assert isinstance(answer, Answer)
    body = json.loads(answer.body)
    if dialect is OPENAI_CHAT:
        choice = body["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == (PARIS, "stop")
        assert not choice["message"].get("tool_calls")
    else:
        assert [item["content"][0]["text"] for item in body["output"]] == [PARIS]
    assert answer.said.usage is not None
    assert answer.said.usage.output == 7


@pytest.mark.parametrize("whole", [False, True])
async def test_a_stream_tells_it_piece_by_piece_and_nothing_that_was_said_before(whole: bool) -> None:
    ask = asking(**HI, response_format=FORMAT, stream=True)
    said = [json.dumps(COMPLETION).encode()] if whole else pieces()
    answer = await exchange(ask, deployment(FORCED), provider(*said))
    assert isinstance(answer, Streaming)
    blocks = []
    while block := await answer.stream.next():
        blocks.append(block)
    events = [line.removeprefix("data: ") for line in b"".join(blocks).decode().split("\n\n") if line]
    assert events.pop() == "[DONE]"
    choices = [choice for event in events for choice in json.loads(event)["choices"]]
    assert "".join(choice["delta"].get("content") or "" for choice in choices) == PARIS
    assert not any(choice["delta"].get("tool_calls") for choice in choices)
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["stop"]
    assert whole or len(blocks) > len(PARIS)
