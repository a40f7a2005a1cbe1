"""The offline provider beside its chat: embeddings, the tool that it chooses, and what it does not do."""

from __future__ import annotations

import json
from typing import Any

import pytest

import tollbridge
from tollbridge.providers import demo


def tool(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}


def alike(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_texts_that_share_words_have_vectors_that_are_alike() -> None:
    texts = ["The parcel is late", "a late parcel", "Quarterly taxes"]
    made = tollbridge.embedding("demo/vectors", texts)
    late, parcel, taxes = (item.embedding for item in made.data)
    assert alike(late, late) == pytest.approx(1)
    assert alike(late, parcel) > 0.5 > alike(late, taxes)
    assert made.usage.prompt_tokens == made.usage.total_tokens > 0
    assert made._hidden_params["response_cost"] == 0.0


def test_vectors_have_the_size_and_the_encoding_that_are_asked_for() -> None:
    plain = tollbridge.embedding("demo/vectors", "hello", dimensions=8).data[0].embedding
    packed = tollbridge.embedding("demo/vectors", "hello", dimensions=8, encoding_format="base64").data[0].embedding
    assert plain == packed
    assert len(plain) == 8
    assert len(demo.embeddings({"input": [[1, 2], [3]]})[1]["data"]) == 2
    assert len(demo.embeddings({"input": [1, 2]})[1]["data"]) == 1


def test_a_failure_is_that_of_chat() -> None:
    with pytest.raises(tollbridge.RateLimitError):
        tollbridge.embedding("demo/error-429", "hello", num_retries=0)


def test_a_task_that_it_does_not_do_is_refused_before_it_is_asked() -> None:
    with pytest.raises(tollbridge.BadRequestError, match="ranks no documents"):
        tollbridge.rerank("demo/any", "hello", ["one", "two"])
    assert tollbridge.text_completion("demo/any", "Once upon").object == "text_completion"


def test_where_a_call_is_demanded_the_tool_that_the_prompt_speaks_of_comes_before_the_first() -> None:
    messages = [{"role": "user", "content": "How much is the account of Ada worth?"}]
    tools = [tool("open_ticket"), tool("account_value")]
    for choice in ("required", "auto"):
        message = tollbridge.completion("demo/any", messages, tools=tools, tool_choice=choice).choices[0].message
        assert [call.function.name for call in message.tool_calls] == ["account_value"]
    messages = [{"role": "user", "content": "Hello!"}]
    message = tollbridge.completion("demo/any", messages, tools=tools, tool_choice="required").choices[0].message
    assert [call.function.name for call in message.tool_calls] == ["open_ticket"]


@pytest.mark.parametrize(
    ("said", "param", "told"),
    [
        ({"max_tokens": -1}, "max_tokens", "Expected `int` >= 1"),
        ({"max_completion_tokens": 0}, "max_completion_tokens", "Expected `int` >= 1"),
        ({"temperature": 3}, "temperature", "Expected `float` <= 2.0"),
        ({"n": "two"}, "n", "Expected `int | null`, got `str`"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "Expected `array` of length <= 4"),
        ({"messages": []}, "messages", "Expected `array` of length >= 1"),
        (
            {"messages": [{"role": "user", "content": [{"type": "txt", "text": "Hello"}]}]},
            "messages[0].content[0].type",
            "Invalid enum value 'txt'",
        ),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "Object missing required field `function`"),
        (
            {"tools": [{"type": "function", "function": {"parameters": {}}}]},
            "tools[0].function.name",
            "Object missing required field `name`",
        ),
        ({"tools": [{"function": {"name": "f"}}]}, "tools[0].type", "Object missing required field `type`"),
        ({"messages": [{"role": "boss", "content": "Hello"}]}, "messages[0].role", "Invalid enum value 'boss'"),
    ],
)
def test_what_no_model_would_take_is_refused_by_the_name_of_its_field(
    said: dict[str, Any], param: str, told: str
) -> None:
    body = {"model": "any", "messages": [{"role": "user", "content": "Hello"}], **said}
    status, answer = demo.answer(body, id="chatcmpl-1", created=1)
    assert (status, answer["error"]["param"]) == (400, param)
    assert answer["error"]["message"] == f"Invalid '{param}': {told}."


@pytest.mark.parametrize(
    ("said", "param", "told"),
    [
        ({}, "input", "Object missing required field `input`"),
        ({"input": None}, "input", "Expected `str`, got `null`"),
        ({"input": []}, "input", "Expected `array` of length >= 1"),
        ({"input": ""}, "input", "Expected `str` of length >= 1"),
        ({"input": {"a": 1}}, "input", "Expected `str`, got `object`"),
        ({"input": ["a", 1]}, "input[1]", "Expected `str`, got `int`"),
        ({"input": [[1], ["a"]]}, "input[1][0]", "Expected `int`, got `str`"),
        ({"input": "a", "dimensions": "four"}, "dimensions", "Expected `int | null`, got `str`"),
        ({"input": "a", "dimensions": 0}, "dimensions", "Expected `int` >= 1"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format", "Invalid enum value 'hex'"),
    ],
)
def test_vectors_of_what_nobody_would_take_are_refused(said: dict[str, Any], param: str, told: str) -> None:
    status, answer = demo.embeddings({"model": "any", **said})
    assert (status, answer["error"]["param"]) == (400, param)
    assert answer["error"]["message"] == f"Invalid '{param}': {told}."


def test_tools_that_are_no_functions_and_parts_of_each_kind_are_taken() -> None:
    parts = [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    body = {"messages": [{"role": "user", "content": parts}], "tools": [{"type": "custom", "custom": {"name": "f"}}]}
    assert demo.answer(body, id="c", created=1)[0] == 200


@pytest.mark.parametrize(
    ("prompt", "names"),
    [("A joke, as JSON with 'setup' and \"punchline\" keys.", ["setup", "punchline"]), ("A joke.", ["you_said"])],
)
def test_where_json_is_wanted_the_names_in_quotation_marks_are_there(prompt: str, names: list[str]) -> None:
    body = {"messages": [{"role": "user", "content": prompt}], "response_format": {"type": "json_object"}}
    _, told = demo.answer(body, id="c", created=1)
    assert list(json.loads(told["choices"][0]["message"]["content"])) == names


def test_a_request_without_messages_is_told_so() -> None:
    status, answer = demo.answer({"model": "any"}, id="chatcmpl-1", created=1)
    assert (status, answer["error"]["param"]) == (400, "messages")
