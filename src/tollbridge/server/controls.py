"""What a client may steer in one request, in the body or in headers, and what it may not.

`OURS` are taken out of the body and obeyed. `REFUSED` could choose where a stored credential goes or fake an answer:
400, unless the operator allowed the field. `metadata` in the chat dialect is ours (tags, log) unless the request
asks the provider to store it; in the Messages dialect it is the format's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tollbridge.calls.ask import Fields, decode
from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json

REFUSED = frozenset(
    {
        "api_base",
        "base_url",
        "api_key",
        "api_version",
        "custom_llm_provider",
        "mock_response",
        "mock_tool_calls",
        "mock_timeout",
        "model_list",
        "litellm_credential_name",
        "organization",
        "extra_headers",
        "aws_bedrock_runtime_endpoint",
        "vertex_credentials",
    }
)
OURS = ("timeout", "stream_timeout", "num_retries", "tags", "fallbacks", "disable_fallbacks", "drop_params")
"""In the order in which they are obeyed: of two that say the same, the later one holds."""
EITHER = REFUSED.union(OURS)
HEADERS = frozenset(
    {
        b"x-litellm-timeout",
        b"x-litellm-stream-timeout",
        b"x-litellm-num-retries",
        b"x-litellm-tags",
        b"x-tollbridge-strict",
    }
)
TAGS_MAX = 32
LOGGED_BYTES_MAX = 4096
LOGGED_CHARACTERS_MAX = 256
FALLBACKS_MAX = 8


class Controls(msgspec.Struct, frozen=True):
    """None: the client did not say. `tags` and `metadata` go to the log."""

    timeout_s: float | None = None
    retries: int | None = None
    fallbacks: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    metadata: Json = None
    user: str | None = None
    strict: bool = False
    drop_params: bool | None = None


NOTHING = Controls()


def take_controls(
    fields: Fields, headers: Mapping[bytes, bytes], *, metadata_is_ours: bool, streams: bool = False
) -> Controls:
    """Obeys and removes our fields in `fields`. Raises BadRequestError for a refused or ill-typed one. `streams`: a
    stream is asked for, so that its own timeout holds."""
    said: dict[str, object] = {}
    if not EITHER.isdisjoint(fields):
        refused = [name for name in fields if name in REFUSED]
        if refused:
            raise BadRequestError(
                f"`{refused[0]}` cannot be set by a request - at `$.{refused[0]}`. Leave it out: it is the operator's.",
                param=refused[0],
                code="field_not_allowed",
            )
        said.update(_body(fields, streams))
    if "user" in fields:
        user = decode(bytes(fields["user"]))
        said["user"] = user[:LOGGED_CHARACTERS_MAX] if isinstance(user, str) else None
    if "metadata" in fields:
        _metadata(fields, said, metadata_is_ours)
    if not HEADERS.isdisjoint(headers):
        said.update(_headers(headers, streams))
    return msgspec.convert(said, Controls) if said else NOTHING


def _body(fields: Fields, streams: bool) -> dict[str, object]:
    said: dict[str, object] = {}
    for name in OURS:
        value = decode(bytes(fields.pop(name))) if name in fields else None
        if value is None:
            continue
        match name:
            case "timeout":
                said["timeout_s"] = seconds(value, "$.timeout")
            case "stream_timeout":
                limit = seconds(value, "$.stream_timeout")
                if streams:
                    said["timeout_s"] = limit
            case "num_retries":
                said["retries"] = count(value, "$.num_retries")
            case "tags":
                said["tags"] = tags(value, "$.tags")
            case "fallbacks":
                said["fallbacks"] = names(value, "$.fallbacks")
            case "disable_fallbacks" if value is True:
                said["fallbacks"] = ()
            case "drop_params":
                said["drop_params"] = is_true(value, "$.drop_params")
            case _:
                continue
    return said


def _metadata(fields: Fields, said: dict[str, object], ours: bool) -> None:
    raw = bytes(fields["metadata"])
    metadata = decode(raw)
    if isinstance(metadata, dict) and "tags" in metadata:
        said["tags"] = tags(metadata["tags"], "$.metadata.tags")
    said["metadata"] = metadata if len(raw) <= LOGGED_BYTES_MAX else f"{len(raw)} bytes: too many to log"
    if ours and bytes(fields.get("store") or b"") != b"true":
        del fields["metadata"]


def _headers(headers: Mapping[bytes, bytes], streams: bool) -> dict[str, object]:
    said: dict[str, object] = {}
    timeout = (headers.get(b"x-litellm-stream-timeout") if streams else None) or headers.get(b"x-litellm-timeout")
    if timeout is not None:
        said["timeout_s"] = seconds(_number(timeout), "x-litellm-timeout")
    retries = headers.get(b"x-litellm-num-retries")
    if retries is not None:
        said["retries"] = count(_number(retries), "x-litellm-num-retries")
    listed = headers.get(b"x-litellm-tags")
    if listed is not None:
        said["tags"] = tuple(tag.strip() for tag in listed.decode("latin-1").split(",") if tag.strip())[:TAGS_MAX]
    if headers.get(b"x-tollbridge-strict", b"").lower() in (b"true", b"1"):
        said["strict"] = True
    return said


def _number(value: bytes) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def is_true(value: Json, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadRequestError(f"Expected true or false - at `{where}`.", param=where)
    return value


def seconds(value: Json, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e6:
        raise BadRequestError(f"Expected seconds greater than 0 - at `{where}`.", param=where)
    return float(value)


def count(value: Json, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 20 or value != int(value):
        raise BadRequestError(f"Expected a whole number from 0 to 20 - at `{where}`.", param=where)
    return int(value)


def tags(value: Json, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise BadRequestError(f"Expected a list of strings - at `{where}`.", param=where)
    return tuple(tag[:LOGGED_CHARACTERS_MAX] for tag in value[:TAGS_MAX])


def names(value: Json, where: str) -> tuple[str, ...]:
    found: Sequence[Json] = value if isinstance(value, list) else [value]
    if len(found) > FALLBACKS_MAX or not all(isinstance(name, str) and name for name in found):
        raise BadRequestError(f"Expected a list of at most {FALLBACKS_MAX} model names - at `{where}`.", param=where)
    return tuple(found)
