"""The two formats of files and batches, as clients and providers speak them. What differs, as values.

OpenAI's      /files (multipart, with a `purpose`), /batches: made of a file of requests, ending in a file of answers
Anthropic's   /files (multipart), /messages/batches: made of requests in the body, ending in results

https://platform.openai.com/docs/api-reference/files, .../batch, https://docs.anthropic.com/en/api/files-create,
.../creating-message-batches (seen 2026-11-26).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

from tollbridge.calls.build import WIRES
from tollbridge.model.json import JsonObject
from tollbridge.wires.anthropic_messages.vocabulary import NAME as MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.embeddings.openai import OPENAI_EMBEDDINGS
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES


class Format(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """`dialect`: of errors, and of the places that speak it. `batches`: the path. `ids`: names of members that hold
    ids. `state`, `ended`: the member that tells how far a batch is, and its words for the end. `at`: when it ended."""

    dialect: str
    batches: str
    ids: frozenset[str]
    state: str
    ended: frozenset[str]
    at: tuple[str, ...]

    @property
    def wire(self) -> Wire:
        return WIRES[self.dialect]


OPENAI = Format(
    dialect=OPENAI_CHAT.name,
    batches="batches",
    ids=frozenset({"id", "input_file_id", "output_file_id", "error_file_id"}),
    state="status",
    ended=frozenset({"completed", "failed", "expired", "cancelled"}),
    at=("completed_at", "expired_at", "cancelled_at", "failed_at", "created_at"),
)
ANTHROPIC = Format(
    dialect=MESSAGES,
    batches="messages/batches",
    ids=frozenset({"id"}),
    state="processing_status",
    ended=frozenset({"ended"}),
    at=("ended_at", "created_at"),
)
FORMATS: Mapping[str, Format] = {one.dialect: one for one in (OPENAI, ANTHROPIC)}

ENDPOINTS: Mapping[str, Wire] = {
    "/v1/chat/completions": OPENAI_CHAT,
    "/chat/completions": OPENAI_CHAT,
    "/v1/responses": OPENAI_RESPONSES,
    "/v1/embeddings": cast(Wire, OPENAI_EMBEDDINGS),
}
"""What requests of OpenAI's batches are of, as far as they can be metered."""


def has_ended(format: Format, batch: JsonObject) -> bool:
    return batch.get(format.state) in format.ended


def listed(format: Format, items: list[JsonObject], more: bool) -> JsonObject:
    first, last = (items[0]["id"], items[-1]["id"]) if items else (None, None)
    kind = {"object": "list"} if format is OPENAI else {}
    return {**kind, "data": items, "first_id": first, "last_id": last, "has_more": more}


def deleted(format: Format, id: str, *, batch: bool) -> JsonObject:
    if format is OPENAI:
        return {"id": id, "object": "file", "deleted": True}
    return {"id": id, "type": "message_batch_deleted" if batch else "file_deleted"}
