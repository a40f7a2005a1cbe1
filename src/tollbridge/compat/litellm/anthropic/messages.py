"""`create` and `acreate`: `anthropic_messages` under the names of Anthropic's SDK, any model answering."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tollbridge
from tollbridge.compat.litellm.calls import aanthropic_messages, waited

_create = waited(tollbridge.anthropic_messages, "anthropic_messages")


def create(max_tokens: int, messages: Sequence[Any], model: str, **said: Any) -> Any:
    """The answer as Anthropic's API has it; with `stream`, its events. Raises APIError (`litellm.exceptions`)."""
    return _create(model=model, messages=messages, max_tokens=max_tokens, **said)


async def acreate(max_tokens: int, messages: Sequence[Any], model: str, **said: Any) -> Any:
    """`create` for an async program."""
    return await aanthropic_messages(model=model, messages=messages, max_tokens=max_tokens, **said)
