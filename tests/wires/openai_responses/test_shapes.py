"""What is wrong with a body is said with its path."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wires import laws
from tollbridge.errors import BadGatewayError, BadRequestError
from tollbridge.wires.openai_responses import OPENAI_RESPONSES as WIRE


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([], "$"),
        ({"input": "x"}, "$"),
        ({"model": "m"}, "$.input"),
        ({"model": "m", "input": None}, "$.input"),
        ({"model": 5, "input": "x"}, "$.model"),
        ({"model": "m", "input": 5}, "$.input"),
        ({"model": "m", "input": ["x"]}, "$.input[0]"),
        ({"model": "m", "input": [{"role": "user"}]}, "$.input[0]"),
        ({"model": "m", "input": [{"role": "user", "content": 5}]}, "$.input[0].content"),
        ({"model": "m", "input": [{"role": "user", "content": [{"text": "x"}]}]}, "$.input[0].content[0]"),
        (
            {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": 5}]}]},
            "$.input[0].content[0].text",
        ),
        ({"model": "m", "input": [{"type": "function_call", "name": "a", "arguments": "{}"}]}, "$.input[0]"),
        (
            {"model": "m", "input": [{"type": "function_call", "call_id": "c", "name": "a", "arguments": {}}]},
            "$.input[0].arguments",
        ),
        ({"model": "m", "input": [{"type": "function_call_output", "call_id": "c", "output": 5}]}, "$.input[0].output"),
        (
            {"model": "m", "input": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": 5}]}]},
            "$.input[0].summary[0].text",
        ),
        ({"model": "m", "input": [{"type": 5}]}, "$.input[0].type"),
        ({"model": "m", "input": "x", "tools": [{"name": "a"}]}, "$.tools[0]"),
        ({"model": "m", "input": "x", "tools": [{"type": "function"}]}, "$.tools[0]"),
        ({"model": "m", "input": "x", "tool_choice": {"type": "function"}}, "$.tool_choice"),
        ({"model": "m", "input": "x", "temperature": "hot"}, "$.temperature"),
        ({"model": "m", "input": "x", "text": {"format": {"type": 5}}}, "$.text.format.type"),
        ({"model": "m", "input": "x", "reasoning": {"effort": 5}}, "$.reasoning.effort"),
        ({"model": "m", "input": "x", "instructions": ["x"]}, "$.instructions"),
    ],
)
def test_a_clients_fault_is_named(body: Any, path: str) -> None:
    with pytest.raises(BadRequestError) as raised:
        WIRE.read_request(body)
    assert f"`{path}`" in raised.value.message


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"output": 5},
        {"output": [{"type": "message", "role": "assistant"}]},
        {"output": [{"type": "function_call", "name": "a"}]},
        {"output": [5]},
        {"output": [], "status": 5},
    ],
)
def test_a_providers_fault_is_a_bad_gateway(body: Any) -> None:
    with pytest.raises(BadGatewayError, match="Responses format"):
        WIRE.read_response(body)


def test_an_event_of_another_shape_is_a_bad_gateway() -> None:
    for event in (
        {"type": "response.output_text.delta", "output_index": "x", "content_index": 0, "delta": "a"},
        {"type": "response.output_item.done", "output_index": 0, "item": 5},
        {"type": "response.completed", "response": 5},
    ):
        with pytest.raises(BadGatewayError):
            laws.read_stream(WIRE, laws.framed([[event["type"], event]]))
    with pytest.raises(BadGatewayError, match="not JSON"):
        laws.read_stream(WIRE, b"data: {nope\n\n")
