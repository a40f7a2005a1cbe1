"""A row of the operator's own, as it stands under `providers:` in the YAML, and what in it makes no sense.

What cannot be meant is an error: a word of `lacks` or `prefers` that nobody reads. A field that no format here has may
be a server's own, so that one in `drops` or `renames` is doubted alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date

import msgspec

from tollbridge.catalog.near import did_you_mean, near
from tollbridge.errors import ConfigError
from tollbridge.model.json import Json
from tollbridge.providers.auth import Auth, Bearer, HeaderKey, NoAuth
from tollbridge.providers.row import CHAT, NO_CHAT, WIRES, Provider
from tollbridge.secret import Secret
from tollbridge.wires.base import FEATURES
from tollbridge.wires.openai_chat.thinking import STYLES

_SPOKEN = [wire for wire in WIRES if wire != NO_CHAT]
_FIELD = re.compile(r"[A-Za-z_][\w-]*")
_VARIABLE = re.compile(r"[A-Za-z_]\w*")
_ANY_FIELD: frozenset[str] = frozenset()
_YES = frozenset({"yes"})

SPELLINGS: Mapping[str, Collection[str]] = {
    "max_tokens": _ANY_FIELD,
    "seed": _ANY_FIELD,
    "reasoning": tuple(STYLES),
    "reasoning_field": frozenset(
        {"reasoning_content", "reasoning", "reasoning_details", "thinking_blocks", "thinking_parts", "reasoning_parts"}
    ),
    "system_role": frozenset({"system", "developer"}),
    "content": frozenset({"string"}),
    "response_schema": frozenset({"json"}),
    "cache_control": _YES,
    "file_url": _YES,
    "document_url": _YES,
    "mend_answers": _YES,
}
"""The words of `prefers` (`wires.base.Target` tells what they mean), and what each may be; empty: any field's name."""

FIELDS = frozenset(
    {"audio", "cache_control", "cachedContent", "chat_template_kwargs", "citation_options", "contents"}
    | {"context_management", "documents", "enable_thinking", "extra_body", "frequency_penalty"}
    | {"function_call", "functions", "generationConfig", "include", "inference_geo", "inferenceConfig"}
    | {"input", "instructions", "keep_alive", "labels", "logit_bias", "logprobs", "max_completion_tokens"}
    | {"max_output_tokens", "max_tokens", "max_tool_calls", "messages", "metadata", "min_p", "modalities"}
    | {"model", "moderation", "n", "num_predict", "options", "parallel_tool_calls", "prediction"}
    | {"presence_penalty", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention"}
    | {"raw", "reasoning", "reasoning_effort", "reasoning_format", "repetition_penalty", "response_format"}
    | {"safety_identifier", "safety_mode", "safetySettings", "seed", "service_tier", "speed", "stop"}
    | {"stop_sequences", "store", "stream", "stream_options", "strict_tools", "suffix", "system"}
    | {"systemInstruction", "temperature", "template", "text", "think", "thinking", "thinking_budget"}
    | {"tool_choice", "toolConfig", "tools", "top_a", "top_k", "top_logprobs", "top_p", "truncation"}
    | {"user", "verbosity", "web_search_options"}
)
"""Of bodies at their top, in the formats that are spoken here, and usual ones of servers with OpenAI's."""


class Doubt(msgspec.Struct, frozen=True):
    """`field`: of the row. `word`: an item of its list, or a key or value of its table, as it is written. `fatal`: no
    row can be made of it."""

    field: str
    word: str
    message: str
    fatal: bool = True


def doubts(values: Mapping[str, Json]) -> Iterator[Doubt]:
    """What in a row makes no sense, word by word. What is no list or table at all is told by `row_from_config`."""
    for word in _listed(values.get("lacks")):
        if word not in FEATURES:
            yield Doubt(
                "lacks", word, f"knows no {word!r}; it knows {', '.join(sorted(FEATURES))}{_or(word, FEATURES)}"
            )
    for word, value in _paired(values.get("prefers")):
        yield from _of_prefers(word, value)
    for word in _listed(values.get("drops")):
        yield from _of_field("drops", word, re.split(r"[.\[]", word, maxsplit=1)[0])
    for word, value in _paired(values.get("renames")):
        yield from _of_field("renames", word, word)
        if not _FIELD.fullmatch(value):
            yield Doubt("renames", value, f"gives {word!r} a name that no field has: {value!r}")
    for field in ("api_key_env", "base_url_env"):
        for word in _listed(values.get(field)):
            if not _VARIABLE.fullmatch(word):  # which may be the key itself
                yield Doubt(field, word, "names variables of the environment, and what stands there is no such name")
    checked = values.get("checked")
    if isinstance(checked, str) and checked and not _is_day(checked):
        yield Doubt("checked", checked, f"is a day, YYYY-MM-DD, and not {checked!r}")


def _of_prefers(word: str, value: str) -> Iterator[Doubt]:
    known = SPELLINGS.get(word)
    if known is None:
        yield Doubt("prefers", word, f"knows no {word!r}; it knows {', '.join(SPELLINGS)}{_or(word, SPELLINGS)}")
    elif not known and not _FIELD.fullmatch(value):
        yield Doubt("prefers", value, f"gives {word!r} a name that no field has: {value!r}")
    elif known and value not in known:
        what = f"no way to think {value!r}" if word == "reasoning" else f"no {word!r} of {value!r}"
        can = ", ".join(known if isinstance(known, tuple) else sorted(known))
        yield Doubt("prefers", value, f"knows {what}; it can be {can}{_or(value, known)}")


def _of_field(field: str, word: str, name: str) -> Iterator[Doubt]:
    if not _FIELD.fullmatch(name):
        yield Doubt(field, word, f"names a field as no field is named: {word!r}")
    elif name not in FIELDS:
        told = f"has {word!r}, a field of no format that is known here{_or(name, FIELDS)}"
        yield Doubt(field, word, told, fatal=False)


def _or(word: str, known: Collection[str]) -> str:
    close = near(word, known)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


def _near(word: Json, known: Collection[str]) -> str:
    close = near(word, known) if isinstance(word, str) else []
    return f" {did_you_mean(close)}" if close else ""


def _listed(value: Json) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []


def _paired(value: Json) -> list[tuple[str, str]]:
    pairs = value.items() if isinstance(value, Mapping) else ()
    return [(name, one) for name, one in pairs if isinstance(name, str) and isinstance(one, str)]


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def row_from_config(values: Mapping[str, Json]) -> Provider:
    """A row from the operator's file: `name`, `wire` and `base_url` are needed; `auth` is `bearer`, `none`, or
    `{header: NAME}`; without `needs_key` a key is optional unless `api_key_env` names where one is. Raises
    ConfigError."""
    name = values.get("name")
    if not isinstance(name, str) or not name:
        raise ConfigError("A provider needs a `name`.")
    where = f"providers: {name}"
    unknown = sorted(set(values) - _CONFIG_FIELDS)
    if unknown:
        raise ConfigError(f"{where}: unknown key `{unknown[0]}`; known are {', '.join(sorted(_CONFIG_FIELDS))}.")
    wire = values.get("wire", CHAT)
    if wire not in WIRES:
        raise ConfigError(f"{where}: `wire` is {wire!r}; it can be {' or '.join(_SPOKEN)}.{_near(wire, _SPOKEN)}")
    base_url = values.get("base_url")
    if not isinstance(base_url, str) or not base_url.startswith(("http://", "https://")):
        raise ConfigError(f"{where}: `base_url` must be a URL that starts with http:// or https://.")
    wrong = next((doubt for doubt in doubts(values) if doubt.fatal), None)
    if wrong is not None:
        raise ConfigError(f"{where}: `{wrong.field}` {wrong.message}.")
    api_key = values.get("api_key")
    key_env = tuple(_names(values, "api_key_env", where))
    return Provider(
        name=name,
        wire=wire,
        base_url=base_url,
        base_env=tuple(_names(values, "base_url_env", where)),
        key_env=key_env,
        needs_key=bool(values.get("needs_key", bool(key_env))),
        auth=_auth(values.get("auth"), where),
        api_key=Secret(api_key) if isinstance(api_key, str) and api_key else api_key or None,
        headers=_headers(values, where),
        drops=frozenset(_names(values, "drops", where)),
        renames={**WIRES[wire].renames, **_pairs(values, "renames", where)},
        lacks=frozenset(_names(values, "lacks", where)),
        prefers=_pairs(values, "prefers", where),
        chat_path=_chat_path(values.get("chat_path") or "", where),
        also=_also(values, wire, where),
        source=str(values.get("source") or where),
        checked=str(values.get("checked") or ""),
    )


_CONFIG_FIELDS = frozenset(
    {"name", "wire", "base_url", "base_url_env", "api_key", "api_key_env", "auth", "headers", "drops", "lacks"}
    | {"renames", "prefers", "chat_path", "also", "needs_key", "source", "checked"}
)


_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _auth(value: Json, where: str) -> Auth | None:
    match value:
        case None:
            return None
        case "bearer":
            return Bearer()
        case "none" | False:
            return NoAuth()
        case {"header": str(header)} if len(value) == 1 and _HEADER_NAME.fullmatch(header):
            return HeaderKey(header.lower())
    raise ConfigError(f"{where}: `auth` must be `bearer`, `none`, or `{{header: NAME}}`.")


def _headers(values: Mapping[str, Json], where: str) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(values, "headers", where)
    for name, value in pairs.items():
        if not _HEADER_NAME.fullmatch(name) or not (value.isascii() and value.isprintable()):
            raise ConfigError(f"{where}: the header {name!r} holds characters that a header cannot carry.")
    return tuple((name.lower(), value) for name, value in pairs.items())


def _also(values: Mapping[str, Json], wire: str, where: str) -> dict[str, str]:
    also = _pairs(values, "also", where)
    for other, path in also.items():
        if other not in WIRES or other == wire:
            others = [known for known in _SPOKEN if known != wire]
            told = f"{' or '.join(others)}.{_near(other, others)}"
            raise ConfigError(f"{where}: `also` knows no format {other!r}; it can be {told}")
        if not path.startswith(("http://", "https://")):
            _chat_path(path, where, "also")
    return also


def _chat_path(value: Json, where: str, field: str = "chat_path") -> str:
    if isinstance(value, str) and (not value or value.startswith("/")):
        return value
    raise ConfigError(f"{where}: `{field}` must start with a slash.")


def _names(values: Mapping[str, Json], field: str, where: str) -> list[str]:
    match values.get(field):
        case None:
            return []
        case str(one):
            return [one]
        case list() | tuple() as several if all(isinstance(item, str) for item in several):
            return list(several)
    raise ConfigError(f"{where}: `{field}` must be a list of names.")


def _pairs(values: Mapping[str, Json], field: str, where: str) -> dict[str, str]:
    match values.get(field):
        case None:
            return {}
        case Mapping() as pairs if all(isinstance(item, str) for item in (*pairs, *pairs.values())):
            return dict(pairs)
    raise ConfigError(f"{where}: `{field}` must be a table of texts.")
