"""`token_counter`, `encode`, `decode`: with the packaged encodings, never from the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tollbridge.catalog.encodings import encoding
from tollbridge.catalog.tokens import count_request, count_text, rule_for
from tollbridge.errors import BadRequestError
from tollbridge.sdk import checked
from tollbridge.sdk.body import plain
from tollbridge.wires.openai_chat import OPENAI_CHAT

if TYPE_CHECKING:
    from tiktoken import Encoding


def token_counter(
    model: str = "",
    custom_tokenizer: object = None,
    text: str | Sequence[str] | None = None,
    messages: Sequence[object] | None = None,
    count_response_tokens: bool | None = False,
    tools: Sequence[object] | None = None,
    tool_choice: object = None,
    **_others: object,
) -> int:
    """The tokens of a text, of several, or of a request: exact for OpenAI's text, an estimate for all else (see
    `catalog.tokens`). `count_response_tokens`: the messages are an answer, which has no framing."""
    if custom_tokenizer is not None:
        raise BadRequestError("`custom_tokenizer` is not taken: counts are made with the packaged encodings.")
    model = checked.text(model, "model")
    if messages is None:
        if text is None:
            raise BadRequestError("Pass `text` or `messages`.")
        texts = [text] if isinstance(text, str) else checked.several(text, "text")
        return sum(count_text(checked.text(one, "text"), model) for one in texts)
    messages = checked.several(messages, "messages")
    body = {"model": model, "messages": plain(messages)}
    if tools:
        body["tools"] = plain(checked.several(tools, "tools"))
    counted = count_request(OPENAI_CHAT.read_request(body).value, model)
    if not count_response_tokens:
        return counted
    rule = rule_for(model)
    return max(0, counted - rule.request - rule.message * len(messages))


def encode(model: str = "", text: str = "") -> list[int]:
    """The tokens of a text in OpenAI's encoding for the model; other vendors' text in the one that it is counted by."""
    return _encoding(model).encode_ordinary(checked.text(text, "text"))


def decode(model: str = "", tokens: Sequence[int] = ()) -> str:
    numbers = [checked.count(one, "tokens") for one in checked.several(tokens, "tokens")]
    try:
        return _encoding(model).decode(numbers)
    except (KeyError, OverflowError):
        checked.wrong(numbers, "tokens", f"tokens of the encoding of {model!r}")


def _encoding(model: str) -> Encoding:
    return encoding(rule_for(checked.text(model, "model")).encoding)
