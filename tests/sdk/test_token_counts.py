from __future__ import annotations

import pytest

from tollbridge import BadRequestError, decode, encode, token_counter

MESSAGES = [{"role": "user", "content": "hello world"}]
TOOL = {"type": "function", "function": {"name": "f", "description": "Does it.", "parameters": {"type": "object"}}}


def test_texts_are_counted_one_and_several() -> None:
    assert token_counter("gpt-4o", text="hello world") == 2
    assert token_counter(model="gpt-4o", text=["hello world", "hello"]) == 3
    assert token_counter("", text="hello world") > 0


def test_messages_and_tools_are_counted_with_their_framing() -> None:
    counted = token_counter("gpt-4o", messages=MESSAGES)
    assert counted == 2 + 4 + 3
    assert token_counter("gpt-4o", messages=MESSAGES, tools=[TOOL]) > counted + 5
    assert token_counter("gpt-4o", messages=MESSAGES, count_response_tokens=True) == 2


def test_what_cannot_be_counted_is_said() -> None:
    with pytest.raises(BadRequestError, match="text"):
        token_counter("gpt-4o")
    with pytest.raises(BadRequestError, match="custom_tokenizer"):
        token_counter("gpt-4o", custom_tokenizer={}, text="x")
    with pytest.raises(BadRequestError):
        token_counter("gpt-4o", messages=[{"role": 5}])


@pytest.mark.parametrize("text", ["hello world", "", "日本語 \U0001f600", "<|endoftext|>"])
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4", "claude-sonnet-4-5"])
def test_a_text_comes_back_from_its_tokens(model: str, text: str) -> None:
    assert decode(model, encode(model=model, text=text)) == text
