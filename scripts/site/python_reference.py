"""The public names of `tollbridge` as a page: signatures and docstrings, by the module that they stand in.

`x` and `ax` are one entry: the signature is of the first, the docstring of the second, which has the words.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import tollbridge
from tollbridge import errors
from tollbridge.sdk.parameters import Parameters

MARK = "<!-- the names, by scripts/site/python_reference.py -->\n"
GROUPS = {
    "Asking": ("completion", "Router", "Stream", "AsyncStream"),
    "Other dialects": (
        "responses",
        "anthropic_messages",
        "generate_content",
        "text_completion",
        "Events",
        "AsyncEvents",
    ),
    "Tasks": (
        *("embedding", "rerank", "moderation", "speech", "transcription", "image_generation", "image_edit"),
        *("EmbeddingResponse", "RerankResponse", "ModerationResponse", "SpeechResponse", "TranscriptionResponse"),
        *("ImageResponse", "TextCompletionResponse", "Event"),
    ),
    "Files and batches": (
        *("create_file", "file_retrieve", "file_delete", "file_list", "file_content"),
        *("create_batch", "retrieve_batch", "list_batches", "cancel_batch"),
        *("FileObject", "FileList", "FileDeleted", "FileContent", "Batch", "BatchList"),
    ),
    "MCP": ("tools", "run", "Tools", "MCPClient"),
    "Costs, models, tokens": (
        *(
            "completion_cost",
            "cost_per_token",
            "batch_cost",
            "BatchCost",
            "get_model_info",
            "get_max_tokens",
            "model_cost",
            "register_model",
        ),
        *("token_counter", "encode", "decode", "stream_chunk_builder"),
    ),
}
"""What is not named here is a `supports_...`, an object of an answer, or an exception."""


def filled(markdown: str) -> str:
    return markdown.replace(MARK, "\n".join(listing())) if MARK in markdown else markdown


def listing() -> Iterator[str]:
    names = [name for name in tollbridge.__all__ if not name.startswith("__")]
    for title, found in GROUPS.items():
        yield from (f"## {title}", "")
        for name in found:
            yield from _entry(name)
        if title == "Asking":
            yield from _parameters()
    yield from _features([name for name in names if name.startswith("supports_")])
    rest = [name for name in names if name not in told() and isinstance(getattr(tollbridge, name), type)]
    yield from ("## Objects of an answer", "")
    yield "Mappings that read like the OpenAI SDK's objects. Any field may be absent; others than these are kept."
    yield ""
    for name in rest:
        if not issubclass(getattr(tollbridge, name), BaseException):
            yield from _entry(name)
    yield from ("## Errors", "", "```text", *inspect.cleandoc(errors.__doc__ or "").splitlines(), "```", "")
    for name in rest:
        if issubclass(getattr(tollbridge, name), BaseException) and vars(getattr(tollbridge, name)).get("__doc__"):
            yield from _entry(name)


def told() -> set[str]:
    named = {name for found in GROUPS.values() for name in found}
    twins = {f"a{name}" for name in named} & set(tollbridge.__all__)
    return named | twins


def _entry(name: str) -> Iterator[str]:
    value = getattr(tollbridge, name)
    twin = getattr(tollbridge, f"a{name}", None)
    yield from (f"### `{name}`" + (f", `a{name}`" if twin else ""), "")
    if inspect.isfunction(value):
        yield from _signature(name, value)
    yield from _words(value if twin is None else twin)
    if isinstance(value, type):
        fields = [f"{field}: {_kind(kind)}" for field, kind in vars(value).get("__annotations__", {}).items()]
        if fields and not issubclass(value, BaseException):
            yield from ("```py", *fields, "```", "")
        for method, member in vars(value).items():
            if not method.startswith("_"):
                yield from _method(name, method, member)


def _method(owner: str, name: str, member: Any) -> Iterator[str]:
    if isinstance(member, property):
        yield from (f"#### `{owner}.{name}`", "")
        yield from _words(member)
    elif inspect.isfunction(member):
        yield from (f"#### `{owner}.{name}`", "")
        yield from _signature(name, member)
        yield from _words(member)


def _signature(name: str, function: Any) -> Iterator[str]:
    """On one line where it is short, else a parameter a line."""
    found = inspect.signature(function)
    before = "async def" if inspect.iscoroutinefunction(function) else "def"
    inner = [str(p).replace("'", "") for p in found.parameters.values() if p.name != "self"]
    star = next((i for i, p in enumerate(found.parameters.values()) if p.kind is p.KEYWORD_ONLY), None)
    if star is not None and not any(p.kind is p.VAR_POSITIONAL for p in found.parameters.values()):
        inner.insert(star - ("self" in found.parameters), "*")
    ends = "" if found.return_annotation is found.empty else f" -> {_kind(found.return_annotation)}"
    line = f"{before} {name}({', '.join(inner)}){ends}"
    lines = [line] if len(line) <= 90 else [f"{before} {name}(", *(f"    {one}," for one in inner), f"){ends}"]
    yield from ("```py", *lines, "```", "")


def _words(value: Any) -> Iterator[str]:
    own = vars(value).get("__doc__") if isinstance(value, type) else getattr(value, "__doc__", None)
    if own:
        yield from (inspect.cleandoc(own), "")


def _kind(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text)


def _parameters() -> Iterator[str]:
    fields = [
        f"{field}: {_kind(getattr(kind, '__forward_arg__', kind))}"
        for field, kind in Parameters.__annotations__.items()
    ]
    yield from ("### Parameters", "")
    yield from _words(Parameters)
    yield from ("```py", *fields, "```", "")


def _features(names: list[str]) -> Iterator[str]:
    yield from ("### Features", "")
    yield "Each takes `model` and `custom_llm_provider`, and is False also where nobody says: " + (
        ", ".join(f"`{name}`" for name in names) + "."
    )
    yield ""
