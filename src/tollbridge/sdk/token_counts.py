"""`token_counter`, `encode`, `decode`: with the packaged encodings, never from the network."""

from __future__ import annotations

from collections.abc import Sequence

from tollbridge.catalog.encodings import encoding
from tollbridge.catalog.tokens import count_request, count_text, rule_for
from tollbridge.errors import BadRequestError
from tollbridge.sdk.body import plain
from tollbridge.wires.openai_chat import OPENAI_CHAT


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
    if messages is None:
        if text is None:
            raise BadRequestError("Pass `text` or `messages`.")
        return sum(count_text(one, model) for one in ([text] if isinstance(text, str) else text))
    body = {"model": model, "messages": plain(list(messages))}
    if tools:
        body["tools"] = plain(list(tools))
    counted = count_request(OPENAI_CHAT.read_request(body).value, model)
    if not count_response_tokens:
        return counted
    rule = rule_for(model)
    return max(0, counted - rule.request - rule.message * len(messages))


def encode(model: str = "", text: str = "") -> list[int]:
    """The tokens of a text in OpenAI's encoding for the model; other vendors' text in the one that it is counted by."""
    return encoding(rule_for(model).encoding).encode_ordinary(text)


def decode(model: str = "", tokens: Sequence[int] = ()) -> str:
    return encoding(rule_for(model).encoding).decode(list(tokens))
