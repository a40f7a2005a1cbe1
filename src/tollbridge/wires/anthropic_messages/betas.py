"""Which words of `anthropic-beta` a body needs that was written for a client of another format. Anthropic's own clients
say them themselves.

https://platform.claude.com/docs/en/agents-and-tools/mcp-connector (seen 2026-11-27); the other words as public examples
of Anthropic's API pair them with tools and fields.
"""

from __future__ import annotations

from collections.abc import Iterator

from tollbridge.model.json import Json, JsonObject

_TOOLS = {
    "advisor_20260301": "advisor-tool-2026-03-01",
    "code_execution_20250522": "code-execution-2025-05-22",
    "code_execution_20250825": "code-execution-2025-08-25",
    "computer_20241022": "computer-use-2024-10-22",
    "computer_20250124": "computer-use-2025-01-24",
    "computer_20251124": "computer-use-2025-11-24",
    "memory_20250818": "context-management-2025-06-27",
    "tool_search_tool_bm25_20251119": "advanced-tool-use-2025-11-20",
    "tool_search_tool_regex_20251119": "advanced-tool-use-2025-11-20",
    "web_fetch_20250910": "web-fetch-2025-09-10",
}
TOOL_FIELDS = ("allowed_callers", "defer_loading", "input_examples")
"""Of a client's own tool: when the model sees it, who may call it, and how
(https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool)."""
_FILES = "files-api-2025-04-14"
_FALLBACK = "server-side-fallback-"
_OF_A_FALLBACK = frozenset({"model", "max_tokens", "thinking", "output_config", "speed"})


def asks_for_its_fallbacks(value: Json, asked: str) -> bool:
    """Whether `fallbacks` is Anthropic's own, which asks other models of its where one refuses, and no router's:
    `"default"`, or a list of objects that say no more than these may, with the word of its beta in `asked`
    (https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, seen 2026-11-27)."""
    if _FALLBACK not in asked:
        return False
    listed = isinstance(value, list) and bool(value)
    return value == "default" or (
        listed and all(isinstance(one, dict) and one.keys() <= _OF_A_FALLBACK for one in value)
    )


def betas(body: JsonObject, *, files: bool) -> tuple[str, ...]:
    """`files`: a file is referred to by its id."""
    return tuple(dict.fromkeys(_betas(body, files)))


def _betas(body: JsonObject, files: bool) -> Iterator[str]:
    if files or any(_of_file(block) for message in body["messages"] for block in _listed(message.get("content"))):
        yield _FILES
    if body.get("mcp_servers"):
        yield "mcp-client-2025-11-20"
    for tool in _listed(body.get("tools")):
        kind = tool.get("type")
        if isinstance(kind, str) and kind in _TOOLS:
            yield _TOOLS[kind]
        if any(name in tool for name in TOOL_FIELDS):
            yield "advanced-tool-use-2025-11-20"
    if "opus-4-5" in body["model"] and "effort" in (body.get("output_config") or {}):
        yield "effort-2025-11-24"
    if "task_budget" in (body.get("output_config") or {}):
        yield "task-budgets-2026-03-13"
    container = body.get("container")
    if isinstance(container, dict) and container.get("skills"):
        yield from ("code-execution-2025-08-25", "skills-2025-10-02")
    management = body.get("context_management")
    if isinstance(management, dict):
        kinds = [str(edit.get("type")) for edit in _listed(management.get("edits"))]
        if any(kind.startswith("compact_") for kind in kinds):
            yield "compact-2026-01-12"
        if not kinds or not all(kind.startswith("compact_") for kind in kinds):
            yield "context-management-2025-06-27"


def _listed(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _of_file(block: JsonObject) -> bool:
    source = block.get("source")
    return block.get("type") == "container_upload" or (isinstance(source, dict) and source.get("type") == "file")
