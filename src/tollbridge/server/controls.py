"""What a client may steer in one request, in the body or in headers, and what it may not.

`OURS` are taken out of the body and obeyed. `REFUSED` could choose where a stored credential goes or fake an answer:
400, unless the operator allowed the field. So are guards that are asked for by name, for there are none; a field of a
provider's that is called the same goes on. `metadata` in the chat dialect is ours (tags, log) unless the request
asks the provider to store it; in the Messages dialect it is the format's own.

Who asks on whose behalf, and which requests belong together, is said as LiteLLM's clients say it
(https://docs.litellm.ai/docs/proxy/request_headers, seen 2026-11-25); of two that say the same a header wins over the
body. None of it decides anything: it stands in the log. What has the shape of a key does not.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.calls.ask import Fields, decode
from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject, too_deep
from tollbridge.secret import without_keys, without_keys_in_bytes
from tollbridge.server.own_fallbacks import read_fallbacks

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
OURS = (
    "timeout",
    "stream_timeout",
    "num_retries",
    "litellm_metadata",
    "litellm_session_id",
    "litellm_trace_id",
    "tags",
    "fallbacks",
    "disable_fallbacks",
    "drop_params",
)
"""In the order in which they are obeyed: of two that say the same, the later one holds."""
GUARDS = "guardrails"
EITHER = REFUSED.union(OURS, (GUARDS,))
HEADERS = frozenset(
    {
        b"x-litellm-timeout",
        b"x-litellm-stream-timeout",
        b"x-litellm-num-retries",
        b"x-litellm-tags",
        b"x-litellm-customer-id",
        b"x-litellm-end-user-id",
        b"x-litellm-session-id",
        b"x-litellm-trace-id",
        b"x-litellm-spend-logs-metadata",
        b"x-tollbridge-strict",
    }
)
USER_HEADERS = (b"x-litellm-customer-id", b"x-litellm-end-user-id")
TRACE_HEADERS = (b"x-litellm-trace-id", b"x-litellm-session-id")
"""The first that is there counts."""
TAGS_MAX = 32
LOGGED_BYTES_MAX = 4096
LOGGED_CHARACTERS_MAX = 256


class Controls(msgspec.Struct, frozen=True):
    """None: the client did not say. `tags`, `metadata`, `user` and `trace` go to the log. `trace`: what the requests of
    one session have in common. `instead`: what some of the `fallbacks` are asked, by their names."""

    timeout_s: float | None = None
    retries: int | None = None
    fallbacks: tuple[str, ...] | None = None
    instead: Mapping[str, JsonObject] = {}
    tags: tuple[str, ...] = ()
    metadata: Json = None
    user: str | None = None
    trace: str | None = None
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
        if GUARDS in fields:
            _check_guards(decode(bytes(fields[GUARDS])), GUARDS)
        said.update(_body(fields, streams))
    if "metadata" in fields:
        _metadata(bytes(fields["metadata"]), "metadata", said)
        if metadata_is_ours and bytes(fields.get("store") or b"") != b"true":
            del fields["metadata"]
    if "user" in fields:
        _note(said, "user", decode(bytes(fields["user"])))
    if not HEADERS.isdisjoint(headers):
        said.update(_headers(headers, streams))
        _identify(headers, said)
    return msgspec.convert(said, Controls) if said else NOTHING


def _body(fields: Fields, streams: bool) -> dict[str, object]:
    said: dict[str, object] = {}
    for name in OURS:
        raw = bytes(fields.pop(name)) if name in fields else b"null"
        value = decode(raw)
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
            case "litellm_metadata":
                _metadata(raw, name, said)
            case "litellm_session_id" | "litellm_trace_id":
                _note(said, "trace", value)
            case "tags":
                said["tags"] = tags(value, "$.tags")
            case "fallbacks":
                said["fallbacks"], said["instead"] = read_fallbacks(value, "$.fallbacks")
            case "disable_fallbacks" if value is True:
                said["fallbacks"] = ()
            case "drop_params":
                said["drop_params"] = is_true(value, "$.drop_params")
            case _:
                continue
    return said


def _check_guards(value: Json, where: str) -> None:
    """LiteLLM's ways to choose guards: a list of names, some with parameters (`{"name": {"extra_body": {}}}`), or
    switches (`{"name": true}`). Raises BadRequestError."""
    listed = value if isinstance(value, list) else [value]
    switched = isinstance(value, dict) and True in value.values()
    if switched or any(isinstance(one, str) or (isinstance(one, dict) and _with_parameters(one)) for one in listed):
        raise BadRequestError(
            f"There are no guards here, and nothing would be checked - at `$.{where}`. Leave it out.",
            param=where,
            code="guards_not_built",
        )


def _with_parameters(guard: JsonObject) -> bool:
    return any(isinstance(said, dict) and "extra_body" in said for said in guard.values())


def _metadata(raw: bytes, name: str, said: dict[str, object]) -> None:
    """For the log; tags, the user and the session are found in it too."""
    metadata = decode(raw)
    if isinstance(metadata, dict):
        if GUARDS in metadata:
            _check_guards(metadata[GUARDS], f"{name}.{GUARDS}")
        if "tags" in metadata:
            said["tags"] = tags(metadata["tags"], f"$.{name}.tags")
        _note(said, "user", metadata.get("user_id"))
        _note(said, "trace", metadata.get("trace_id") or metadata.get("session_id"))
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


def _note(said: dict[str, object], name: str, value: Json) -> None:
    if isinstance(value, str) and value:
        said[name] = without_keys(value[:LOGGED_CHARACTERS_MAX])


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
        told = [without_keys(tag.strip()[:LOGGED_CHARACTERS_MAX]) for tag in listed.decode("latin-1").split(",")]
        said["tags"] = tuple(tag for tag in told if tag)[:TAGS_MAX]
    if headers.get(b"x-tollbridge-strict", b"").lower() in (b"true", b"1"):
        said["strict"] = True
    return said


def _identify(headers: Mapping[bytes, bytes], said: dict[str, object]) -> None:
    """On whose behalf, in which session, and what the log shall tell besides."""
    for name, candidates in (("user", USER_HEADERS), ("trace", TRACE_HEADERS)):
        given = next((headers[header] for header in candidates if headers.get(header)), b"")
        _note(said, name, given.decode("latin-1"))
    raw = headers.get(b"x-litellm-spend-logs-metadata")
    if not raw:
        return
    try:
        metadata = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        where = "x-litellm-spend-logs-metadata"
        raise BadRequestError(f"Expected a JSON object - at `{where}`.", param=where)
    _log(said, {"spend_logs_metadata": _loggable(metadata, raw)}, "spend_logs_metadata")


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
    return tuple(without_keys(tag[:LOGGED_CHARACTERS_MAX]) for tag in value[:TAGS_MAX])
