"""What a turn did, in a line of a terminal."""

from __future__ import annotations

import re

from tollbridge.cli.columns import printable
from tollbridge.cli.partner import Turn, Used
from tollbridge.sdk.mcp.formats import text_of
from tollbridge.sdk.mcp.run import Made

LINE_MAX = 200
_COMMANDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """What a model wrote, in which nothing commands a terminal or turns its letters round."""
    return _COMMANDING.sub("", text)


def one_line(text: str, longest: int = LINE_MAX) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def said_of(made: Made, longest: int = LINE_MAX) -> str:
    said = one_line(text_of(made.result), longest) or "nothing that is text"
    return f"FAILED: {said}" if made.result.isError else said


def cost_line(turn: Turn) -> str:
    calls = len(turn.calls)
    parts = [turn.model, tokens(turn.usage), dollars(turn.cost_usd)]
    if calls:
        parts.append(f"{calls} call{'s' if calls != 1 else ''} in {turn.rounds} rounds")
    if turn.finish_reason == "length":
        parts.append("CUT at its length")
    return ", ".join(parts)


def tokens(used: Used) -> str:
    cached = f" ({used.cached_tokens:,} cached)" if used.cached_tokens else ""
    return f"{used.input_tokens:,} tokens in{cached}, {used.output_tokens:,} out"


def dollars(amount: float | None) -> str:
    if amount is None:
        return "cost unknown"
    return "$0" if amount == 0 else f"${amount:.6f}" if amount < 0.01 else f"${amount:.4f}"
