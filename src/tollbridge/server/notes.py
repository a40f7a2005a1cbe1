"""What a request tells the log: on whose behalf it is, what it belongs to, and what else its client wants kept of it.

It is said as LiteLLM's clients say it (https://docs.litellm.ai/docs/proxy/request_headers, seen 2026-11-25); of two
that say the same a header wins over the body. None of it decides anything. What has the shape of a key is not told.

Each of these adds to `said`, which becomes a `Controls`, or raises BadRequestError for what is ill-typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TypeGuard

import msgspec

from tollbridge.calls.ask import Fields, decode
from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, too_deep
from tollbridge.secret import without_keys, without_keys_in_bytes
from tollbridge.server.guards import GUARDS, check_guards

USER_HEADERS = (b"x-litellm-customer-id", b"x-litellm-end-user-id")
TAG_HEADERS = (b"x-litellm-tags", b"tags")
TRACE_HEADERS = (b"x-litellm-trace-id", b"x-litellm-session-id")
"""The first that is there counts."""
TAGS_MAX = 32
LOGGED_BYTES_MAX = 4096
LOGGED_CHARACTERS_MAX = 256


def name_user(fields: Fields, said: dict[str, object]) -> None:
    """OpenAI's newer name counts where no other says who it is, as LiteLLM has it."""
    if "user" in fields:
        note(said, "user", decode(bytes(fields["user"])))
    elif "safety_identifier" in fields and "user" not in said:
        note(said, "user", decode(bytes(fields["safety_identifier"])))


def note_metadata(
    raw: bytes, name: str, said: dict[str, object], *, theirs: bool = False, guarded: bool = True
) -> None:
    """For the log; tags, the user and the session are found in it too. In a form `litellm_metadata` is JSON in a text.
    Its user counts before that of `metadata`, which programs say without being told to. `theirs`: it is a provider's
    field first, and what is called `tags` there need be none. `guarded`: what is called `guardrails` asks for some."""
    metadata = decode(raw)
    ours = name == "litellm_metadata"
    if ours and isinstance(metadata, str):
        with suppress(BadRequestError):
            metadata = decode(metadata.encode())
    if isinstance(metadata, dict):
        if guarded and GUARDS in metadata:
            check_guards(metadata[GUARDS], f"{name}.{GUARDS}")
        listed = metadata.get("tags")
        if listed is not None and (_are_texts(listed) or not theirs):
            said["tags"] = tags(metadata["tags"], f"$.{name}.tags")
        if ours or "user" not in said:
            note(said, "user", (metadata.get("user") if ours else None) or metadata.get("user_id"))
        note(said, "trace", metadata.get("trace_id") or metadata.get("session_id"))
    _log(said, _loggable(metadata, raw), name)


def _loggable(value: Json, raw: bytes) -> Json:
    if len(raw) > LOGGED_BYTES_MAX:
        return f"{len(raw)} bytes: too many to log"
    if too_deep(value):
        return "nested too deep to log"
    spelled = msgspec.json.encode(value)
    masked = without_keys_in_bytes(spelled)
    return value if masked == spelled else decode(masked)


def _log(said: dict[str, object], metadata: Json, name: str) -> None:
    """Adds to what is logged. What cannot be joined with that field by field stands beside it under its name."""
    before = said.get("metadata")
    if before is None:
        said["metadata"] = metadata
    elif metadata is not None:
        held = before if isinstance(before, dict) else {"metadata": before}
        said["metadata"] = {**held, **(metadata if isinstance(metadata, dict) else {name: metadata})}


def note(said: dict[str, object], name: str, value: Json) -> None:
    if isinstance(value, str) and value:
        said[name] = without_keys(value[:LOGGED_CHARACTERS_MAX])


def identify(headers: Mapping[bytes, bytes], said: dict[str, object]) -> None:
    """On whose behalf, in which session, and what the log shall tell besides."""
    for name, candidates in (("user", USER_HEADERS), ("trace", TRACE_HEADERS)):
        given = next((headers[header] for header in candidates if headers.get(header)), b"")
        note(said, name, given.decode("latin-1"))
    raw = headers.get(b"x-litellm-spend-logs-metadata")
    if not raw:
        return
    try:
        metadata = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        where = "x-litellm-spend-logs-metadata"
        raise BadRequestError(f"Expected a JSON object - at `{where}`.", param=where.removeprefix("$."))
    _log(said, {"spend_logs_metadata": _loggable(metadata, raw)}, "spend_logs_metadata")


def tags_in(headers: Mapping[bytes, bytes]) -> tuple[str, ...] | None:
    listed = next((headers[name] for name in TAG_HEADERS if name in headers), None)
    if listed is None:
        return None
    told = [without_keys(tag.strip()[:LOGGED_CHARACTERS_MAX]) for tag in listed.decode("latin-1").split(",")]
    return tuple(tag for tag in told if tag)[:TAGS_MAX]


def _are_texts(value: Json) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def tags(value: Json, where: str) -> tuple[str, ...]:
    if not _are_texts(value):
        raise BadRequestError(f"Expected a list of strings - at `{where}`.", param=where.removeprefix("$."))
    return tuple(without_keys(tag[:LOGGED_CHARACTERS_MAX]) for tag in value[:TAGS_MAX])
