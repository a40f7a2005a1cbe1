"""What programs written for the OpenAI SDK or for LiteLLM do with an answer."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, ValidationError

from tests.shared import SHARED, recordings
from tollbridge.sdk.objects import (
    Annotation,
    ChatCompletionMessageToolCall,
    Choice,
    Choices,
    Delta,
    Function,
    Message,
    ModelResponse,
    ModelResponseStream,
    StreamingChoices,
    TopLogprob,
    Usage,
)

ANSWER: dict[str, Any] = {
    "id": "chatcmpl-7",
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "demo-1",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 3, "b": 5}'}}
                ],
                "annotations": [
                    {
                        "type": "url_citation",
                        "url_citation": {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2},
                    }
                ],
            },
            "logprobs": {
                "content": [
                    {
                        "token": "a",
                        "logprob": -0.5,
                        "bytes": [97],
                        "top_logprobs": [{"token": "a", "logprob": -0.5, "bytes": None}],
                    }
                ],
                "refusal": None,
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {
        "prompt_tokens": 12,
        "completion_tokens": 8,
        "total_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 2},
    },
    "x_provider": {"queue_ms": 3},
}
CHUNK: dict[str, Any] = {
    "id": "chatcmpl-7",
    "object": "chat.completion.chunk",
    "created": 1_790_000_000,
    "model": "demo-1",
    "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}],
}


@pytest.fixture
def answer() -> ModelResponse:
    return ModelResponse(ANSWER)


def test_an_answer_reads_as_an_object_and_as_a_dictionary(answer: ModelResponse) -> None:
    call = answer.choices[0].message.tool_calls
    assert call is not None
    assert call[0].function.name == "add"
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "add"
    assert answer["choices"][0].message["tool_calls"][0].id == "call_1"
    assert answer.get("model") == answer.model == "demo-1"
    assert "usage" in answer
    assert isinstance(answer, dict)
    assert {**answer} == ANSWER


def test_every_nested_object_has_its_class(answer: ModelResponse) -> None:
    choice = answer.choices[0]
    assert isinstance(choice, Choices)
    assert Choice is Choices
    assert isinstance(choice.message, Message)
    assert choice.message.tool_calls is not None
    assert isinstance(choice.message.tool_calls[0], ChatCompletionMessageToolCall)
    assert choice.message.annotations is not None
    assert isinstance(choice.message.annotations[0], Annotation)
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert isinstance(choice.logprobs.content[0].top_logprobs[0], TopLogprob)
    assert choice.logprobs.content[0].bytes == [97]
    assert isinstance(answer.usage, Usage)
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 4


@pytest.mark.parametrize(
    ("said", "read", "written"),
    [
        ({}, 0, 0),
        ({"prompt_tokens_details": {"cached_tokens": 4}}, 4, 0),
        ({"prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2}}, 4, 2),
        ({"prompt_tokens_details": None}, 0, 0),
        ({"prompt_cache_hit_tokens": 3}, 3, 0),
        ({"cache_read_input_tokens": 5, "cache_creation_input_tokens": 6}, 5, 6),
    ],
)
def test_what_a_cache_gave_and_took_has_anthropics_names_whoever_answered(
    said: dict[str, Any], read: int, written: int
) -> None:
    told = {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13, **said}
    usage = ModelResponse({**ANSWER, "usage": told}).usage
    assert usage is not None
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (read, written)
    assert usage["cache_read_input_tokens"] == getattr(usage, "cache_read_input_tokens", None) == read
    assert usage.model_dump() == told
    if usage.prompt_tokens_details is not None:
        assert (usage.prompt_tokens_details.cache_creation_tokens or 0) == written
    assert Usage().cache_read_input_tokens == 0


def test_an_answer_may_be_a_field_of_a_pydantic_model(answer: ModelResponse) -> None:
    class Kept(BaseModel):
        response: ModelResponse
        usage: Usage | None = None
        said: list[Message] = []

    answer._hidden_params = {"response_cost": 0.5}
    kept = Kept(response=answer, usage=ANSWER["usage"], said=[{"role": "user", "content": "Hi"}])
    assert kept.response is answer
    assert isinstance(kept.usage, Usage)
    assert isinstance(kept.said[0], Message)
    assert kept.model_dump()["response"] == ANSWER
    assert type(kept.model_dump()["response"]) is dict
    again = Kept.model_validate_json(kept.model_dump_json())
    assert again == kept
    assert isinstance(again.response.choices[0], Choices)
    assert Kept.model_json_schema()["properties"]["response"]["type"] == "object"
    for odd in (3, "text", None, [answer]):
        with pytest.raises(ValidationError):
            Kept.model_validate({"response": odd})


def test_json_of_an_answer_is_the_answer_that_came(answer: ModelResponse) -> None:
    assert json.loads(json.dumps(answer, indent=4, default=str)) == ANSWER
    assert msgspec.json.decode(msgspec.json.encode(answer)) == ANSWER
    assert json.loads(answer.model_dump_json(indent=2)) == ANSWER
    assert json.loads(answer.to_json()) == ANSWER
    assert answer.json() == answer.dict() == answer.to_dict() == answer.model_dump(mode="json") == ANSWER
    assert answer == ANSWER
    theirs = ChatCompletion.construct(**ANSWER).model_dump_json(exclude_unset=True)
    assert json.loads(answer.model_dump_json()) == json.loads(theirs)
    assert Function(name="f").model_dump_json() == '{"name":"f"}'


def test_declared_fields_that_are_absent_read_as_none_and_add_nothing() -> None:
    delta = Delta({"content": "Hi"})
    assert hasattr(delta, "tool_calls")
    for name in ("tool_calls", "reasoning_content", "role", "function_call", "refusal", "thinking_blocks", "audio"):
        assert getattr(delta, name) is None
        assert delta[name] is None
        assert name not in delta
    assert json.dumps(delta) == '{"content": "Hi"}'
    assert delta.get("tool_calls", "absent") == "absent"


@pytest.mark.parametrize("kind", [Message, Delta])
def test_thinking_is_read_by_one_name_whatever_the_provider_calls_it(kind: type[Message | Delta]) -> None:
    said = kind({"role": "assistant", "reasoning": "Hm."})
    assert said.reasoning_content == said["reasoning_content"] == "Hm."
    assert dict(said) == {"role": "assistant", "reasoning": "Hm."}  # goes back as it came
    both = kind({"reasoning": "a", "reasoning_content": "b"})
    assert both.reasoning_content == "b"
    assert kind({"content": "x"}).reasoning_content is None


def test_a_call_of_a_function_without_a_type_is_of_that_type() -> None:
    call = ChatCompletionMessageToolCall({"id": "c", "function": {"name": "f", "arguments": "{}"}})
    assert (call.type, "type" in call) == ("function", False)
    assert ChatCompletionMessageToolCall({"id": "c", "custom": {"name": "f", "input": ""}}).type is None


def test_unknown_fields_are_attributes_and_unknown_names_are_errors(answer: ModelResponse) -> None:
    assert answer.x_provider["queue_ms"] == 3
    with pytest.raises(AttributeError, match="'ModelResponse' object has no attribute 'y_provider'"):
        _ = answer.y_provider
    with pytest.raises(KeyError):
        _ = answer["y_provider"]
    assert not hasattr(answer, "_repr_html_")


def test_setting_an_attribute_writes_the_dictionary_and_wraps() -> None:
    message = Message(role="assistant")
    message.content = "Hi"
    message.tool_calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]  # type: ignore[list-item]
    assert message["content"] == "Hi"
    assert message.tool_calls is not None
    assert isinstance(message.tool_calls[0].function, Function)
    del message.content
    assert "content" not in message
    with pytest.raises(AttributeError):
        del message.content


def test_objects_are_wrapped_by_whatever_door_they_come_in() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    by_item, by_update, by_or, by_default = (ModelResponse() for _ in range(4))
    by_item["usage"] = usage
    by_update.update({"id": "a"}, usage=usage)
    by_or |= {"usage": usage}
    by_default.setdefault("usage", usage)
    for response in (by_item, by_update, by_or, by_default, ModelResponse(usage=usage)):
        assert isinstance(response.usage, Usage)
    assert type(usage) is dict


def test_odd_answers_are_kept_as_they_are() -> None:
    odd = {"choices": [{"index": 0, "message": None}, None, {"message": {"tool_calls": "none"}}], "usage": []}
    response = ModelResponse(odd)
    assert response == odd
    assert response.choices[0].message is None
    assert response.choices[2].message.tool_calls == "none"
    assert ModelResponse({"choices": None}).choices is None


def test_the_dictionary_that_was_given_is_not_changed() -> None:
    before = copy.deepcopy(ANSWER)
    response = ModelResponse(ANSWER)
    response.choices[0].message.content = "changed"
    response.choices.clear()
    assert before == ANSWER
    assert type(ANSWER["choices"][0]) is dict


def test_an_answer_survives_copying_and_pickling(answer: ModelResponse) -> None:
    answer._hidden_params["response_cost"] = 0.25
    answer._response_ms = 12.5
    for twin in (pickle.loads(pickle.dumps(answer)), copy.deepcopy(answer)):  # noqa: S301
        assert twin == answer
        assert isinstance(twin, ModelResponse)
        assert isinstance(twin.choices[0].message, Message)
        assert twin._hidden_params == {"response_cost": 0.25}
        assert twin._response_ms == twin.response_ms == 12.5
        twin.choices[0].message.content = "changed"
        assert answer.choices[0].message.content is None
    shallow = answer.copy()
    assert isinstance(shallow, ModelResponse)
    assert shallow.choices[0] is answer.choices[0]
    assert answer.model_copy(update={"id": "other"}).id == "other"
    assert answer.id == "chatcmpl-7"


def test_what_tollbridge_knows_stays_out_of_the_json(answer: ModelResponse) -> None:
    assert answer._hidden_params == {}
    answer._hidden_params["response_cost"] = 0.25
    assert answer._hidden_params == {"response_cost": 0.25}
    assert answer._response_ms is None
    assert answer._request_id is None
    assert answer.model_dump() == ANSWER
    assert json.loads(json.dumps(answer)) == ANSWER


def test_model_dump_is_plain_and_leaves_out_what_it_is_told_to(answer: ModelResponse) -> None:
    dumped = answer.model_dump()
    assert type(dumped) is dict
    assert type(dumped["choices"][0]["message"]["tool_calls"][0]) is dict
    without = answer.model_dump(exclude_none=True)
    assert "content" not in without["choices"][0]["message"]
    assert "refusal" not in without["choices"][0]["logprobs"]
    assert set(answer.model_dump(include={"id", "model"})) == {"id", "model"}
    assert "usage" not in answer.model_dump(exclude={"usage"}, exclude_unset=True, by_alias=True)


def test_a_message_goes_back_into_messages_as_it_is(answer: ModelResponse) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "3 + 5?"}]
    messages.append(answer["choices"][0]["message"])
    messages.append(answer.choices[0].message.model_dump())
    assert messages[1] == messages[2] == ANSWER["choices"][0]["message"]
    assert type(json.loads(json.dumps(messages))[1]) is dict


def test_an_object_shows_its_fields(answer: ModelResponse) -> None:
    assert repr(Function(name="f", arguments="{}")) == "Function(name='f', arguments='{}')"
    assert str(Delta(content="Hi")) == "Delta(content='Hi')"
    assert {"tool_calls", "content", "model_dump"} <= set(dir(Delta()))
    assert "x_provider" in dir(answer)


def test_a_chunk_reads_as_the_openai_sdk_reads_it() -> None:
    chunk = ModelResponseStream(CHUNK)
    theirs = ChatCompletionChunk.model_validate(CHUNK)
    assert isinstance(chunk.choices[0], StreamingChoices)
    assert chunk.choices[0].delta.content == theirs.choices[0].delta.content == "Hi"
    assert chunk.choices[0].finish_reason is theirs.choices[0].finish_reason is None
    assert chunk.model_dump() == theirs.model_dump(exclude_unset=True)


def _compare(ours: Any, theirs: Any, where: str) -> int:
    """Every attribute of the OpenAI SDK's object has the same value on ours. Returns how many were compared."""
    if isinstance(theirs, list):
        assert isinstance(ours, list), where
        assert len(ours) == len(theirs), where
        return sum(_compare(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(ours, theirs, strict=True)))
    if hasattr(theirs, "model_fields_set"):
        names = {*type(theirs).model_fields, *(theirs.model_extra or {})}
        return sum(
            _compare(getattr(ours, name), getattr(theirs, name), f"{where}.{name}")
            for name in names
            if hasattr(theirs, name) and (name in ours or name in _DECLARED)
        )
    assert ours == theirs, where
    return 1


_DECLARED = {name for kind in (ModelResponse, ModelResponseStream, Message, Delta, Usage) for name in kind._fields}


@pytest.mark.skipif(not SHARED.exists(), reason="the recordings lie beside the repository")
def test_recorded_answers_have_the_attributes_of_the_openai_sdk() -> None:
    compared = 0
    for exchange in recordings(provider="openai", endpoints=("chat.completions",)):
        body = exchange.get("response_body")
        if exchange["status"] == 200 and isinstance(body, dict) and body.get("object") == "chat.completion":
            ours = ModelResponse(body)
            assert json.loads(json.dumps(ours)) == body
            compared += _compare(ours, ChatCompletion.construct(**body), exchange["id"])
    assert compared > 1000
