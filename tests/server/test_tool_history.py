"""What tools did in earlier turns, as the client repeats it, is a call and its result to the model."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.model.parts import Text, ToolCall, ToolResult
from tollbridge.server.tool_history import call_id, remembered
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.openai_responses import OPENAI_RESPONSES


def blocks(*content: dict[str, Any]) -> Any:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": list(content)}]}
    return ANTHROPIC_MESSAGES.read_request(body).value.messages


def items(*said: dict[str, Any]) -> Any:
    return OPENAI_RESPONSES.read_request({"model": "m", "input": list(said)}).value.messages


USE = {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "echo", "server_name": "desk", "input": {"a": 1}}
RESULT = {
    "type": "mcp_tool_result",
    "tool_use_id": "mcptoolu_1",
    "is_error": False,
    "content": [{"type": "text", "text": "it said"}],
}


def test_blocks_of_anthropics_format_are_parted_where_a_tool_answered() -> None:
    words = {"type": "text", "text": "first"}
    after = {"type": "text", "text": "then"}
    messages, answered = remembered(blocks(words, USE, RESULT, after))
    assert [message.role for message in messages] == ["assistant", "user", "assistant"]
    text, call = messages[0].parts
    [result] = messages[1].parts
    assert isinstance(text, Text)
    assert isinstance(call, ToolCall)
    assert (call.name, call.runs_on, call.arguments) == ("echo", "client", '{"a":1}')
    assert isinstance(result, ToolResult)
    assert result.call_id == call.id == call_id("mcptoolu_1")
    assert result.content == (Text(text="it said"),)
    assert answered == []


@pytest.mark.parametrize(
    ("output", "error", "text", "failed"), [("it said", None, "it said", False), (None, "it failed", "it failed", True)]
)
def test_items_of_the_responses_format(output: str | None, error: str | None, text: str, failed: bool) -> None:
    call = {"type": "mcp_call", "id": "mcp_1", "server_label": "x", "name": "echo", "arguments": "{}"}
    listed = {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "x", "tools": []}
    messages, _ = remembered(items(listed, {**call, "output": output, "error": error}))
    [asked], [result] = [message.parts for message in messages]
    assert isinstance(asked, ToolCall)
    assert isinstance(result, ToolResult)
    assert (result.call_id, result.content, result.is_error) == (asked.id, (Text(text=text),), failed)


def test_an_answer_without_its_question_is_nothing_and_others_messages_stay_as_they_are() -> None:
    told = {"type": "mcp_approval_response", "approval_request_id": "mcpr_9", "approve": True}
    plain = {"role": "user", "content": "hi"}
    messages, answered = remembered(items(plain, told))
    assert answered == []
    assert messages == items(plain)
