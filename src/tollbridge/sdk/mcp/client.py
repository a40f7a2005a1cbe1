"""`MCPClient`: servers' tools for a program without async.

    client = tollbridge.MCPClient()
    client.connect("python server.py")
    response = tollbridge.completion("gpt-4.1", messages, tools=client.get_tool_schemas())
    for call in response.choices[0].message.tool_calls:
        messages.append(client.call_openai_tool(call))

It is `tollbridge.tools` on the background loop. Servers that it started end with `close`, with the `with` block, or
with the program.
"""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tollbridge.errors import ConfigError
from tollbridge.model.json import JsonObject
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.mcp.servers import Source, servers_of
from tollbridge.sdk.mcp.tools import Progress, Tools
from tollbridge.sdk.mcp.values import CallToolResult
from tollbridge.sdk.value import Value

FILES = (".mcp.json", "mcp.json")
"""In the working directory: where a server's name is looked up."""


class Tool(Value):
    """As MCP has it, by the name that a model is given."""

    name: str
    description: str | None
    inputSchema: JsonObject


class MCPClient:
    def __init__(self, config: str | Path | None = None) -> None:
        """`config`: a file with `mcpServers`, whose servers `connect` knows by name; None looks for one of `FILES`."""
        self._config = None if config is None else Path(config)
        self._tools: Tools | None = None

    def connect(self, server: Source, *, headers: Mapping[str, str] | None = None, key: str | None = None) -> Self:
        """One more server: its name in the file, a command, a URL, or whatever `tollbridge.tools` takes. `headers`,
        `key`: for a URL; `key` is that of a gateway. Raises ConfigError, or APIConnectionError where it cannot be
        reached."""
        BACKGROUND.run(self._connect(self._named(server), headers, key))
        return self

    async def _connect(self, server: Source, headers: Mapping[str, str] | None, key: str | None) -> None:
        if self._tools is not None:
            await self._tools.add(server, headers=headers, key=key)
            return
        tools = Tools(server, headers=headers, key=key)
        await tools.__aenter__()
        self._tools = tools
        atexit.register(self.close)

    def _named(self, server: Source) -> Source:
        if not isinstance(server, str) or " " in server or "/" in server:
            return server
        files = [self._config] if self._config is not None else [Path(name) for name in FILES if Path(name).is_file()]
        for file in files:
            known = servers_of(file)
            if server in known:
                return {"server_name": server, **known[server]}
        if shutil.which(server) is not None:
            return [server]
        raise ConfigError(
            f"{server!r} is no command, URL or file, and no server of {' or '.join(map(str, files or FILES))}."
        )

    def list_tools(self) -> list[Tool]:
        """Of all servers that were connected."""
        return [] if self._tools is None else [Tool(tool) for tool in self._tools.listed]

    def get_tool_schemas(self) -> list[JsonObject]:
        """For `completion(tools=...)`, and for any client of OpenAI's chat format."""
        return [] if self._tools is None else self._tools.schemas

    def call_tool(
        self, name: str, arguments: Mapping[str, Any] | None = None, *, on_progress: Progress | None = None
    ) -> CallToolResult:
        """Raises NotFoundError where there is no such tool, APIConnectionError where its server cannot be reached,
        AuthenticationError or PermissionDeniedError where that refuses who asks."""
        return BACKGROUND.run(self._connected().call(name, arguments, on_progress=on_progress))

    def call_openai_tool(self, openai_tool: Any) -> JsonObject:
        """Makes the call that a model asked for. Returns the message to append."""
        return BACKGROUND.run(self._connected().call_openai_tool(openai_tool))

    def read_resource(self, uri: str) -> list[JsonObject]:
        """As parts of a message."""
        return BACKGROUND.run(self._connected().resource(uri))

    def get_prompt(self, name: str, arguments: Mapping[str, str] | None = None) -> list[JsonObject]:
        """As messages."""
        return BACKGROUND.run(self._connected().prompt(name, arguments))

    def _connected(self) -> Tools:
        if self._tools is None:
            raise ConfigError("No server is connected: call `connect` first.")
        return self._tools

    def close(self) -> None:
        """Ends the servers that were started. Closing twice does nothing."""
        tools, self._tools = self._tools, None
        atexit.unregister(self.close)
        if tools is not None:
            BACKGROUND.run(tools.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
