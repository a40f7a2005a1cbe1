"""`tollbridge.tools`: MCP servers as tools of any model.

    async with tollbridge.tools("python server.py", "https://example.com/mcp") as tools:
        answer = await tollbridge.run("gpt-4.1", "How are we doing?", tools=tools)

1. Servers are started and asked when the block is entered, all at once, and ended with it. One that cannot be reached
   is an error there: a model that lacks half of its tools answers wrongly, and nobody is told.
2. A tool keeps its name, unless no model may have it or two servers do: then it is made valid, and the second has its
   server's name before it. What is called is looked up in the table that was made here.
3. Nothing a server asks of its client (sampling, elicitation) is offered to it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from tollbridge.errors import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
)
from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.http import Refused
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.jsonrpc import RpcError
from tollbridge.mcp.lists import items_of
from tollbridge.mcp.toolbox import name_for_models
from tollbridge.mcp.upstream import Upstream
from tollbridge.mcp.view import View
from tollbridge.model.json import JsonObject
from tollbridge.model.money import write_dollars
from tollbridge.policy.principal import Principal
from tollbridge.sdk.mcp.formats import called, chat_tool, prompt_messages, resource_parts, tool_message
from tollbridge.sdk.mcp.servers import Source, definitions
from tollbridge.sdk.mcp.values import CallToolResult
from tollbridge.transport.base import Transport
from tollbridge.transport.select import transport_for

OURSELVES = Caller(principal=Principal("sdk", admin=True), modern=False)
_REFUSALS: Mapping[int, type[APIError]] = {401: AuthenticationError, 403: PermissionDeniedError}
Progress = Callable[[float, float | None, str], None]
"""Of a call under way: how far it is, of how much, and what it says."""


class Offer:
    """A tool of a server. `name`: the server's own."""

    __slots__ = ("name", "tool", "view")

    def __init__(self, view: View, tool: JsonObject) -> None:
        self.view = view
        self.tool = tool
        self.name: str = tool["name"]

    @property
    def server(self) -> Definition:
        return self.view.upstreams[0].definition


class Tools:
    """Used from one event loop. Iterated over, it is the tools of a chat request."""

    def __init__(
        self,
        *sources: Source,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        **named: Source,
    ) -> None:
        """Raises ConfigError where a server cannot be told from what is said of it."""
        self._definitions = definitions(sources, named, headers or {}, key)
        self._offers: dict[str, Offer] = {}
        self._transport: Transport | None = None
        self._hub: Hub | None = None

    async def __aenter__(self) -> Self:
        self._transport = transport_for(os.environ)
        self._hub = Hub([Upstream(one, self._transport, os.environ) for one in self._definitions])
        try:
            await self.refresh()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the servers that were started. Closing twice does nothing."""
        hub, self._hub = self._hub, None
        transport, self._transport = self._transport, None
        self._offers = {}
        if hub is not None:
            await hub.close()
        if transport is not None:
            await transport.close()

    async def add(
        self, *sources: Source, headers: Mapping[str, str] | None = None, key: str | None = None, **named: Source
    ) -> None:
        """More servers, also in the middle of a run: its next round has their tools. Raises as entering the block
        does; none of them is there then."""
        hub, transport = self._open(), self._transport
        assert transport is not None
        added = definitions(sources, named, headers or {}, key)
        for one in added:
            if hub.find(one.name) is not None:
                raise BadRequestError(f"There is a server {one.name!r} already.")
        for one in added:
            hub.put(Upstream(one, transport, os.environ))
        try:
            await self.refresh()
        except BaseException:
            for one in added:
                hub.take(one.name)
            raise

    async def refresh(self) -> None:
        """Asks all servers for their tools again. Raises APIConnectionError where one cannot be reached,
        AuthenticationError or PermissionDeniedError where it refuses who asks."""
        views = [self._view(name) for name in self._open().upstreams]
        listed = await asyncio.gather(*(_listed(view) for view in views))
        offers: dict[str, Offer] = {}
        for view, tools in zip(views, listed, strict=True):
            for tool in tools:
                name = tool["name"]
                if name in offers:
                    name = f"{view.upstreams[0].definition.prefix}_{name}"
                offers[name_for_models(name, offers)] = Offer(view, tool)
        self._offers = offers

    def __iter__(self) -> Iterator[JsonObject]:
        return iter(self.schemas)

    def __len__(self) -> int:
        return len(self._offers)

    def __contains__(self, name: object) -> bool:
        return name in self._offers

    @property
    def names(self) -> Sequence[str]:
        return tuple(self._offers)

    @property
    def listed(self) -> list[JsonObject]:
        """As the servers describe them, by the names that a model is given."""
        return [{**offer.tool, "name": name} for name, offer in self._offers.items()]

    @property
    def schemas(self) -> list[JsonObject]:
        """For `completion(tools=...)`, and for any client of OpenAI's chat format."""
        return [chat_tool(offer.tool, name) for name, offer in self._offers.items()]

    def cost(self, name: str) -> float:
        """Dollars of one call: what `mcp_info` says of it, else nothing."""
        offer = self._offers.get(name)
        return 0.0 if offer is None else write_dollars(offer.server.cost(offer.name) or 0) or 0.0

    async def call(
        self, name: str, arguments: Mapping[str, Any] | None = None, *, on_progress: Progress | None = None
    ) -> CallToolResult:
        """Raises NotFoundError where there is no such tool, APIConnectionError where its server cannot be reached,
        AuthenticationError or PermissionDeniedError where that refuses who asks. A tool that fails is a result that
        says so (`isError`)."""
        offer = self._offers.get(name)
        if offer is None:
            raise NotFoundError(f"There is no tool {name!r}; there is: {', '.join(self._offers) or 'none'}.")
        params = {"name": offer.name, "arguments": dict(arguments or {})}
        tell = None if on_progress is None else _told(on_progress)
        return CallToolResult(await _run(offer.view, "tools/call", params, tell))

    async def call_openai_tool(self, openai_tool: Any) -> JsonObject:
        """Makes the call that a model asked for. Returns the message to append. Raises as `call` does."""
        request = called(openai_tool)
        id = openai_tool["id"] if isinstance(openai_tool, Mapping) else openai_tool.id
        return tool_message(id, await self.call(request.name, request.arguments))

    async def resources(self) -> list[JsonObject]:
        """Of all servers: what can be read, as MCP describes it."""
        return await self._all("resources/list")

    async def resource(self, uri: str) -> list[JsonObject]:
        """A resource as parts of a message: of the server that has it."""
        return resource_parts(await self._first("resources/read", {"uri": uri}, f"the resource {uri!r}"))

    async def prompts(self) -> list[JsonObject]:
        return await self._all("prompts/list")

    async def prompt(self, name: str, arguments: Mapping[str, str] | None = None) -> list[JsonObject]:
        """A prompt as messages: of the server that has it."""
        params = {"name": name, "arguments": dict(arguments or {})}
        return prompt_messages(await self._first("prompts/get", params, f"the prompt {name!r}"))

    async def _all(self, method: str) -> list[JsonObject]:
        views = [self._view(name) for name in self._open().upstreams]
        found = await asyncio.gather(*(_listed(view, method) for view in views))
        return [item for items in found for item in items]

    async def _first(self, method: str, params: JsonObject, what: str) -> JsonObject:
        """Of the servers the first that has it. Who lists it is asked first."""
        kind = "prompts/list" if method == "prompts/get" else "resources/list"
        key, wanted = ("name", params.get("name")) if method == "prompts/get" else ("uri", params["uri"])
        views = [self._view(name) for name in self._open().upstreams]
        listed = await asyncio.gather(*(_listed(view, kind) for view in views))
        has = [any(item.get(key) == wanted for item in items) for items in listed]
        refusals: list[APIError] = []
        for view, _ in sorted(zip(views, has, strict=True), key=lambda pair: not pair[1]):
            try:
                return await _run(view, method, params)
            except APIError as error:
                refusals.append(error)
        raise NotFoundError(f"No server has {what}: {'; '.join(error.message for error in refusals)}")

    def _view(self, name: str) -> View:
        return self._open().view(OURSELVES, (name,), alone=True)

    def _open(self) -> Hub:
        if self._hub is None:
            raise BadRequestError("These tools are not open: use them within `async with`.")
        return self._hub


async def _listed(view: View, method: str = "tools/list") -> list[JsonObject]:
    try:
        return await items_of(view, view.upstreams[0], method)
    except RpcError as error:
        raise _unreached(view, error) from error


async def _run(view: View, method: str, params: JsonObject, tell: Any = None) -> JsonObject:
    call = Call(method, params, OURSELVES, tell=tell, progress_token=None if tell is None else 1)
    try:
        return await view.run(call)
    except RpcError as error:
        raise _unreached(view, error) from error


def _unreached(view: View, error: RpcError) -> APIError:
    server = f"The MCP server {view.upstreams[0].name!r}"
    told = error.message if error.message.startswith(server) else f"{server}: {error.message}"
    kind = _REFUSALS.get(error.http_status) if isinstance(error, Refused) else None
    return kind(told) if kind is not None else APIConnectionError(told, retryable=False)


def _told(on_progress: Progress) -> Callable[[str, JsonObject], None]:
    def tell(method: str, params: JsonObject) -> None:
        if method == "notifications/progress":
            on_progress(params.get("progress") or 0, params.get("total"), str(params.get("message") or ""))

    return tell


def tools(*sources: Source, headers: Mapping[str, str] | None = None, key: str | None = None, **named: Source) -> Tools:
    """The tools of MCP servers, to be used within `async with`. `sources`: commands, URLs, files with `mcpServers`, or
    such values; by name where a server is to be called so. `headers`, `key`: for URLs; `key` is that of a gateway."""
    return Tools(*sources, headers=headers, key=key, **named)
