"""The seam between a conversation and tools that are run here: MCP servers of the gateway's own, which a request names
among its tools (`{"type": "mcp", "server_url": "litellm_proxy", ...}`) for whatever model it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Part, ToolCall
from tollbridge.model.request import Tool
from tollbridge.observe import Record
from tollbridge.server.inbound import Inbound


class Listing(msgspec.Struct, frozen=True):
    """What was listed for one of the request's definitions. `tools`: as the server describes them, by the names that
    the model is given. `error`: why there are none."""

    label: str
    tools: Sequence[JsonObject] = ()
    error: str | None = None


class Ran(msgspec.Struct, frozen=True):
    """A call that was made. `text`: what it came to, in words, for clients; `content`: the same for the model."""

    label: str
    name: str
    text: str
    content: tuple[Part, ...]
    failed: bool = False


class Toolbox(Protocol):
    """The tools of one request. `listings`: in the order of its definitions. `cost_nanousd`: of the calls so far."""

    @property
    def cost_nanousd(self) -> int: ...
    @property
    def tools(self) -> Sequence[Tool]: ...
    @property
    def listings(self) -> Sequence[Listing]: ...
    def owns(self, name: str) -> bool: ...
    def label(self, name: str) -> str:
        """Of the definition that the tool came by."""

    def runs(self, name: str) -> bool:
        """It may be called without asking the client."""

    async def call(self, call: ToolCall) -> Ran:
        """Never raises for what the tool does: that is told to the model."""


class Toolboxes(Protocol):
    def ours(self, definition: JsonObject, inbound: Inbound) -> bool:
        """The definition names servers of this gateway. Raises BadRequestError where it cannot be read."""

    async def open(
        self, definitions: Sequence[JsonObject], inbound: Inbound, record: Record, taken: frozenset[str]
    ) -> Toolbox:
        """`taken`: names of the client's own tools. Raises APIError."""
