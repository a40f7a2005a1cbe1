"""The words of Cohere's chat format (version 2) that several files need.

Format: https://docs.cohere.com/reference/chat and .../chat-stream (seen 2026-11-26), the types of the vendor's Python
package (cohere 7.3.1), and the exchanges in ../shared/recordings.
"""

from __future__ import annotations

import re

from tollbridge.model.response import FinishReason

NAME = "cohere"
PATH = "/v2/chat"

FINISH: dict[str, FinishReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
    "ERROR_LIMIT": "context_window",
}
BROKEN = frozenset({"ERROR", "TIMEOUT"})
"""Reasons that say that no answer was made, or not the whole of one."""

_PLAIN = re.compile(r"(?:c4ai-)?(?:command(?:-light|-nightly)?$|command-r|command-a-(?:\d|vision|translate)|aya)")


def reasons(model: str) -> bool:
    """Whether a model thinks before it answers, as all do since command-a-reasoning; told from its name.
    https://docs.cohere.com/docs/reasoning (seen 2026-11-26)"""
    return _PLAIN.match(model.rpartition("/")[2]) is None
