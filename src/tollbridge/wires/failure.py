"""What the error answers of every wire have in common."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.model.json import Json


def json_or_none(body: bytes) -> Json:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None


def json_or_text(body: bytes) -> Json:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """From `retry-after-ms` or `retry-after`. The form with a date needs a clock, which a wire does not have."""
    lowered = {name.lower(): value for name, value in headers.items()}
    ms = seconds(lowered.get("retry-after-ms"))
    return seconds(lowered.get("retry-after")) if ms is None else ms * 0.001


def seconds(value: str | None) -> float | None:
    """A number of seconds that is not negative; None for what is none."""
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None
