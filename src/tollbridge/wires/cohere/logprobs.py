"""Log probabilities -> OpenAI's object, which is what the neutral model holds.

    [{"text", "token_ids", "logprobs": [...]}]     one item a piece of text, which may be of several tokens

The probability of a piece is the product of its tokens', so that logarithms add up.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject


def read_logprobs(items: Json) -> JsonObject | None:
    """None where there are none."""
    if items.__class__ is not list or not items:
        return None
    return {"content": [_token(item) for item in items]}


def _token(item: JsonObject) -> JsonObject:
    text = item.get("text") or ""
    return {
        "token": text,
        "logprob": sum(item.get("logprobs") or (), 0.0),
        "bytes": list(text.encode()),
        "top_logprobs": [],
    }
