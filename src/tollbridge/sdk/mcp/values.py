"""What MCP gives, as dictionaries that read like objects."""

from tollbridge.model.json import JsonObject
from tollbridge.sdk.value import Value


class CallToolRequestParams(Value):
    """A call as MCP's `tools/call` takes it."""

    name: str
    arguments: JsonObject


class CallToolResult(Value):
    """As MCP has it. `isError`: the tool itself failed, and `content` says how."""

    content: list[JsonObject]
    structuredContent: JsonObject | None
    isError: bool | None
