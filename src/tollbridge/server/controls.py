"""What a client may steer in one request, in the body or in headers, and what it may not.

`OURS` are taken out of the body and obeyed. `REFUSED` could choose where a stored credential goes, who a request is
signed as, or fake an answer or a failure: 400. So are guards that are asked for by name, for there are none; a field of
a provider's that is called the same goes on. What LiteLLM's proxy reads besides, and nothing comes of here, is left out
and told. `metadata` in the chat dialect is ours (tags, log) unless the request asks the provider to store it; in the
Messages dialect it is the format's own.

What a request tells the log besides is in `notes.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from tollbridge.calls.ask import Fields, decode
from tollbridge.calls.cache_points import CachePoint, read_points
from tollbridge.calls.own_fields import CACHES, CALLBACKS, NO_EFFECT, PRICES
from tollbridge.calls.said import count, is_true, seconds
from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.server.guards import GUARDS, check_guards
from tollbridge.server.notes import identify, name_user, note, note_metadata, tags, tags_in
from tollbridge.server.own_fallbacks import read_fallbacks
from tollbridge.wires.anthropic_messages.betas import asks_for_its_fallbacks

if TYPE_CHECKING:
    from tollbridge.observe import Record

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
        "mock_delay",
        "mock_testing_fallbacks",
        "mock_testing_context_fallbacks",
        "mock_testing_content_policy_fallbacks",
        "mock_testing_rate_limit_error",
        "model_list",
        "user_config",
        "litellm_credential_name",
        "organization",
        "extra_headers",
        "extra_query",
        "headers",
        "provider_specific_header",
        "ssl_verify",
        "region_name",
        *("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_region_name", "aws_session_name"),
        *("aws_profile_name", "aws_role_name", "aws_external_id", "aws_web_identity_token", "aws_sts_endpoint"),
        *("aws_session_tags", "aws_bedrock_runtime_endpoint", "s3_bucket_name", "s3_endpoint_url"),
        *("azure_ad_token", "azure_ad_token_provider", "azure_username", "azure_password", "azure_scope"),
        "client_secret",
        *("vertex_credentials", "vertex_project", "vertex_location", "vertex_ai_credentials", "vertex_ai_project"),
        *("vertex_ai_location", "watsonx_apikey", "watsonx_token", "watsonx_project_id", "watsonx_region_name"),
    }
)
OURS = (
    "timeout",
    "stream_timeout",
    "request_timeout",
    "num_retries",
    "max_retries",
    "litellm_metadata",
    "litellm_session_id",
    "litellm_trace_id",
    "tags",
    "fallbacks",
    "disable_fallbacks",
    "drop_params",
    "additional_drop_params",
    "cache_control_injection_points",
    "cache",
    "caching",
    "fastest_response",
)
"""In the order in which they are obeyed: of two that say the same, the later one holds."""
_IN_PYTHON = ("allowed_openai_params", "context_window_fallback_dict", "modify_params")
INEFFECTIVE = NO_EFFECT.union(CALLBACKS, PRICES, _IN_PYTHON)
NOTES = frozenset({"litellm_metadata", "litellm_session_id", "litellm_trace_id"})
NOTHING_SAID = (b"null", b"false", b"[]", b"{}")
NESTED = "extra_body"
EITHER = REFUSED.union(OURS, INEFFECTIVE, (GUARDS, NESTED))
HEADERS = frozenset(
    {
        b"x-litellm-timeout",
        b"x-litellm-stream-timeout",
        b"x-litellm-num-retries",
        b"x-litellm-tags",
        b"tags",
        b"x-litellm-customer-id",
        b"x-litellm-end-user-id",
        b"x-litellm-session-id",
        b"x-litellm-trace-id",
        b"x-litellm-spend-logs-metadata",
        b"x-tollbridge-strict",
    }
)


class Controls(msgspec.Struct, frozen=True):
    """None: the client did not say. `tags`, `metadata`, `user` and `trace` go to the log. `trace`: what the requests of
    one session have in common. `instead`: what some of the `fallbacks` are asked, by their names. `ineffective`: fields
    that were left out, and nothing else comes of them."""

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
    ineffective: tuple[str, ...] = ()
    cache_points: tuple[CachePoint, ...] = ()

    def note(self, record: Record) -> None:
        """Tells the log whose request it is and what it belongs to."""
        record.user, record.tags, record.metadata = self.user, self.tags, self.metadata
        record.trace_id = self.trace or ""


NOTHING = Controls()


def take_controls(
    fields: Fields,
    headers: Mapping[bytes, bytes],
    *,
    metadata_is_ours: bool,
    streams: bool = False,
    user_header: bytes | None = None,
    betas: str | None = None,
) -> Controls:
    """Obeys and removes our fields in `fields`. Raises BadRequestError for a refused or ill-typed one. `streams`: a
    stream is asked for, so that its own timeout holds. `betas`: of a request in Anthropic's format."""
    said: dict[str, object] = {}
    if not EITHER.isdisjoint(fields):
        if NESTED in fields:
            unpack(fields)
        refused = [name for name in fields if name in REFUSED]
        if refused:
            raise BadRequestError(
                f"`{refused[0]}` cannot be set by a request - at `$.{refused[0]}`. Leave it out: it is the operator's.",
                param=refused[0],
                code="field_not_allowed",
            )
        if GUARDS in fields:
            check_guards(decode(bytes(fields[GUARDS])), GUARDS)
        said.update(_body(fields, streams, betas))
    if "metadata" in fields:
        ours = metadata_is_ours and bytes(fields.get("store") or b"") != b"true"
        note_metadata(bytes(fields["metadata"]), "metadata", said, theirs=not ours)
        if ours:
            del fields["metadata"]
    name_user(fields, said)
    if user_header is not None:
        note(said, "user", headers.get(user_header, b"").decode("latin-1"))
    if not HEADERS.isdisjoint(headers):
        said.update(_headers(headers, streams))
        identify(headers, said)
    return msgspec.structs.replace(NOTHING, **said) if said else NOTHING


def take_notes(fields: Fields, headers: Mapping[bytes, bytes], *, known: bool = True) -> Controls:
    """Of a body that is another's and goes on as it is, but for what no provider takes: whose it is, and what the log
    shall tell of it. `known`: it asks a model, so that its `metadata` may ask for guards. Raises BadRequestError for an
    ill-typed one."""
    said: dict[str, object] = {}
    for name in NOTES.intersection(fields):
        raw = bytes(fields.pop(name))
        if name == "litellm_metadata":
            note_metadata(raw, name, said)
        else:
            note(said, "trace", decode(raw))
    if "metadata" in fields:
        note_metadata(bytes(fields["metadata"]), "metadata", said, theirs=True, guarded=known)
    name_user(fields, said)
    if not HEADERS.isdisjoint(headers):
        if (listed := tags_in(headers)) is not None:
            said["tags"] = listed
        identify(headers, said)
    return msgspec.structs.replace(NOTHING, **said) if said else NOTHING


def _body(fields: Fields, streams: bool, betas: str | None) -> dict[str, object]:
    said: dict[str, object] = {}
    idle: list[str] = []
    for name in OURS:
        raw = bytes(fields.pop(name)) if name in fields else b"null"
        value = decode(raw)
        if value is None:
            continue
        match name:
            case "timeout" | "request_timeout":
                said.setdefault("timeout_s", seconds(value, f"$.{name}"))
            case "stream_timeout":
                limit = seconds(value, "$.stream_timeout")
                if streams:
                    said["timeout_s"] = limit
            case "num_retries" | "max_retries":
                said.setdefault("retries", count(value, f"$.{name}"))
            case "litellm_metadata":
                note_metadata(raw, name, said)
            case "litellm_session_id" | "litellm_trace_id":
                note(said, "trace", value)
            case "tags":
                said["tags"] = tags(value, "$.tags")
            case "fallbacks" if betas is not None and asks_for_its_fallbacks(value, betas):
                fields[name] = msgspec.Raw(raw)
            case "fallbacks":
                said["fallbacks"], said["instead"] = read_fallbacks(value, "$.fallbacks")
            case "disable_fallbacks" if value is True:
                said["fallbacks"] = ()
            case "drop_params":
                said["drop_params"] = is_true(value, "$.drop_params")
            case "additional_drop_params":
                idle += _drop(fields, value)
            case "cache_control_injection_points":
                said["cache_points"] = _cache_points(value, name)
            case "caching" if not isinstance(value, bool):
                fields[name] = msgspec.Raw(raw)  # a provider's field of that name
            case "caching" if value:
                idle.append(name)
            case "fastest_response" if is_true(value, "$.fastest_response"):  # one model is asked
                idle.append(name)
            case "cache":
                idle += _cache(fields, raw, value)
            case _:
                continue
    idle += [name for name in sorted(INEFFECTIVE.intersection(fields)) if bytes(fields.pop(name)) not in NOTHING_SAID]
    if idle:
        said["ineffective"] = tuple(idle)
    return said


def unpack(fields: Fields) -> None:
    """What stands in `extra_body` is meant beside it, as LiteLLM's proxy and OpenAI's SDK have it; what says the same
    outside holds. Who is asked and whether for a stream is known already."""
    inner = decode(bytes(fields.pop(NESTED)))
    if inner is not None and (not isinstance(inner, dict) or NESTED in inner):
        what = f"no `{NESTED}` in itself" if isinstance(inner, dict) else "an object"
        raise BadRequestError(f"Expected {what} - at `$.{NESTED}`.", param=NESTED)
    for name, value in (inner or {}).items():
        if name not in ("model", "stream"):
            fields.setdefault(name, msgspec.Raw(msgspec.json.encode(value)))


def _drop(fields: Fields, value: Json) -> tuple[str, ...]:
    """Leaves out what the client does not want sent. -> what it wants besides and is not done."""
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in listed):
        raise BadRequestError(
            "Expected a list of strings - at `$.additional_drop_params`.", param="additional_drop_params"
        )
    for name in listed:
        if name not in ("model", "stream"):
            fields.pop(name, None)
    return ("additional_drop_params",) if any("." in name or "[" in name for name in listed) else ()


def _cache_points(value: Json, name: str) -> tuple[CachePoint, ...]:
    try:
        return read_points(value)
    except ValueError as error:
        raise BadRequestError(f"{error} - at `$.{name}`.", param=name) from error


def _cache(fields: Fields, raw: bytes, value: Json) -> tuple[str, ...]:
    """What LiteLLM's clients say of its cache; there is none here, so that who wants none has what they want."""
    if not isinstance(value, dict) or not CACHES.issuperset(value):
        fields["cache"] = msgspec.Raw(raw)  # a provider's field of that name
        return ()
    return () if all(name in ("no-cache", "no-store") for name in value) else ("cache",)


def _headers(headers: Mapping[bytes, bytes], streams: bool) -> dict[str, object]:
    said: dict[str, object] = {}
    timeout = (headers.get(b"x-litellm-stream-timeout") if streams else None) or headers.get(b"x-litellm-timeout")
    if timeout is not None:
        said["timeout_s"] = seconds(_number(timeout), "x-litellm-timeout")
    retries = headers.get(b"x-litellm-num-retries")
    if retries is not None:
        said["retries"] = count(_number(retries), "x-litellm-num-retries")
    if (listed := tags_in(headers)) is not None:
        said["tags"] = listed
    if asks_for_strictness(headers):
        said["strict"] = True
    return said


def asks_for_strictness(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"x-tollbridge-strict", b"").lower() in (b"true", b"1")


def _number(value: bytes) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
