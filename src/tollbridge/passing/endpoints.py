"""What is known of the paths of vendors: those that ask a model for something, and the formats that can be metered.

Only these name a model, are done when they are answered, and leave nothing behind that another key could reach. Every
other path is of the account: its files, its fine-tuned models, its threads.
"""

from __future__ import annotations

import re
from functools import cache

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.anthropic_messages.vocabulary import NAME as MESSAGES
from tollbridge.wires.embeddings.openai import NAME as EMBEDDINGS
from tollbridge.wires.gemini.vocabulary import NAME as GEMINI
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES

_AZURE = r"openai/deployments/(?P<model>[^/]+)/"
_GOOGLE = r"models/(?P<model>[^/:]+):"
_MADE_BY = r"publishers/%s/" + _GOOGLE


class Endpoint(msgspec.Struct, frozen=True):
    """`wire`: the format by which it can be metered; "" where it cannot. `model`: that of the path; None where the body
    names one. `stream`: whether the path asks for one; None where the body says."""

    wire: str = ""
    model: str | None = None
    stream: bool | None = None


_KNOWN: tuple[tuple[str, str, bool | None], ...] = (
    (_AZURE + "chat/completions", OPENAI_CHAT.name, None),
    (_AZURE + "embeddings", EMBEDDINGS, None),
    (_AZURE + r"(?:completions|images/\w+|audio/\w+)", "", None),
    ("chat/completions", OPENAI_CHAT.name, None),
    ("responses", OPENAI_RESPONSES.name, None),
    ("embeddings", EMBEDDINGS, None),
    ("messages", MESSAGES, None),
    (_MADE_BY % "anthropic" + "(?:rawPredict|streamRawPredict)", MESSAGES, None),
    (_MADE_BY % "mistralai" + "(?:rawPredict|streamRawPredict)", OPENAI_CHAT.name, None),
    (_GOOGLE + "generateContent", GEMINI, False),
    (_GOOGLE + "streamGenerateContent", GEMINI, True),
    (_GOOGLE + "(?:countTokens|embedContent|batchEmbedContents|predict)", "", False),
    ("messages/count_tokens", "", None),
    (r"(?:completions|fim/completions|moderations|ocr|rerank|embed|classify|tokenize|detokenize)", "", None),
    (r"images/(?:generations|edits|variations)", "", None),
    (r"audio/(?:speech|transcriptions|translations)", "", None),
    (r"v[12]/(?:chat|rerank|embed|generate)", "", None),  # Cohere's own
)

STORED = frozenset(
    {"previous_response_id", "conversation", "file_id", "file_ids", "fileUri", "file_uri", "file"}
    | {"container", "vector_store_ids", "vector_store_id", "assistant_id", "thread_id", "cachedContent"}
    | {"cached_content", "input_file_id", "training_file", "connector_id"}
)
"""Names of a body's members that point at what the account keeps."""


@cache
def _patterns() -> list[tuple[re.Pattern[str], str, bool | None]]:
    """Made when a path is first passed through."""
    return [(re.compile(r"(?:.*/)?" + pattern), wire, stream) for pattern, wire, stream in _KNOWN]


def known(method: str, path: str) -> Endpoint | None:
    """`path`: below the provider's name. None: it is of the account."""
    if method != "POST":
        return None
    for pattern, wire, stream in _patterns():
        found = pattern.fullmatch(path)
        if found is not None:
            return Endpoint(wire, found.groupdict().get("model"), stream)
    return None


def stored(body: Json) -> str | None:
    """The name of a member that points at something the account keeps, wherever it stands; None where there is none.
    A tool's schema and its arguments are words of the caller's own: what stands there points at nothing."""
    match body:
        case dict():
            for name, value in body.items():
                kept = name in STORED or (name == "prompt" and isinstance(value, dict))  # else it is the prompt itself
                if kept and _points(value):
                    return str(name)
                if not _is_own_words(str(name), body) and (found := stored(value)):
                    return found
        case list():
            for item in body:
                if found := stored(item):
                    return found
    return None


_OWN_WORDS = frozenset({"parameters", "input_schema", "inputSchema", "arguments", "schema", "args"})


def _is_own_words(name: str, holder: JsonObject) -> bool:
    """Anthropic and Bedrock say `input` for the arguments of a call, and Google `response` for what came of it."""
    if name == "input":
        return str(holder.get("type")).endswith("tool_use") or "toolUseId" in holder
    return name in _OWN_WORDS or (name == "response" and "name" in holder)


def _points(value: Json) -> bool:
    """A text does, unless it is a link to the web; an object does where it has an id, as far as its members do not say
    so themselves."""
    match value:
        case str():
            return bool(value) and ("/files/" in value or not value.startswith(("http://", "https://")))
        case dict():
            return "id" in value
        case list():
            return bool(value) and not all(isinstance(item, dict) for item in value)
    return False
