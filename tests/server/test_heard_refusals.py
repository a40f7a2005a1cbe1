"""A refusal after words that were heard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.accounted import accounted
from tests.server.faults import MESSAGES, ask, configuration, entry
from tests.vendor import Vendor, streamed

MODEL = "claude-opus-4-6"


@pytest.mark.parametrize("told", [None, {}, {"output_tokens": 0}], ids=str)
async def test_what_was_heard_before_a_refusal_is_paid_for_where_its_output_is_not_told(
    tmp_path: Path, told: dict[str, int] | None
) -> None:
    """What is refused before anything was said costs nothing; this was said. So it is when it is priced anew."""

    def event(kind: str, **fields: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()

    begun = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": [], "stop_reason": None}
    words = {"type": "text_delta", "text": "word " * 200}
    ended = {"stop_reason": "refusal", "stop_sequence": None}
    events = [
        event("message_start", message={**begun, "usage": {"input_tokens": 1000, "output_tokens": 0}}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("content_block_delta", index=0, delta=words),
        event("content_block_stop", index=0),
        event("message_delta", delta=ended, **({} if told is None else {"usage": told})),
        event("message_stop"),
    ]
    async with Vendor({("POST", "/v1/messages"): streamed(*events)}) as vendor:
        async with accounted(configuration(entry(MODEL, vendor.port, "anthropic")), tmp_path) as gateway:
            assert (await gateway.post(MESSAGES, ask(MODEL, stream=True))).status == 200
            [record] = gateway.records
    assert record.estimated
    assert record.tokens is not None
    assert (record.tokens["input"], record.tokens["output"] > 150) == (1000, True)
    assert record.cost_nanousd == 5000 * record.tokens["input"] + 25000 * record.tokens["output"]
    assert "billed_input" not in (record.bill or {})
