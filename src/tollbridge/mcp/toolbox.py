"""MCP servers of this gateway as tools of a model (`server.toolbox`), whatever the model's dialect (decision 41).

    {"type": "mcp", "server_label": "...", "server_url": "litellm_proxy", "require_approval": "never",
     "allowed_tools": [...], "headers": {...}}

1. `server_url` is ours where it is `litellm_proxy` or `tollbridge`, with or without `/mcp/{server}` behind it, a path
   of our endpoint, or a URL of it by a name that this gateway is reached by. Others are the provider's to reach.
2. `headers`, and `authorization` as one of them, are taken as if they came to `/mcp`: they choose servers and bring
   credentials for them. A key of ours among them narrows what the request's own key may do, and never widens it.
3. A tool keeps its name where a model may have it; else it is made valid, and no two are alike. What is called is
   looked up in the table that was made here, never read out of the name.
4. `require_approval` absent is `always`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from tollbridge.errors import AuthenticationError, BadRequestError
from tollbridge.mcp.access import rights_of
from tollbridge.mcp.call import Call, Caller, Credentials
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.jsonrpc import RpcError
from tollbridge.mcp.ours import NOT_OURS, is_ours, servers_of
from tollbridge.mcp.run import Runner
from tollbridge.mcp.view import View
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Inline, Media, Part, Text, ToolCall
from tollbridge.model.request import Tool
from tollbridge.observe import Record
from tollbridge.policy.principal import Principal
from tollbridge.server.identify import OPERATOR, OWN_HEADER, Authenticator
from tollbridge.server.inbound import Inbound
from tollbridge.server.toolbox import Listing, Ran
from tollbridge.transport.head import is_header

NAME_MAX = 64
TOOLS_MAX = 512
_INVALID = re.compile(r"[^A-Za-z0-9_-]")
_SCHEMA: JsonObject = {"type": "object", "properties": {}}

CredentialsOf = Callable[[Principal, Mapping[bytes, bytes]], Credentials]
"""What the headers of a request bring for servers. Raises APIError."""


class Chosen(msgspec.Struct, frozen=True):
    """Tools by their names, and by whether their server says of them that they change nothing; None: all of them."""

    names: frozenset[str] | None = None
    read_only: bool | None = None

    def has(self, tool: JsonObject, name: str, own: str) -> bool:
        if self.names is not None and self.names.isdisjoint((name, own)):
            return False
        if self.read_only is None:
            return True
        hints = tool.get("annotations")
        return (isinstance(hints, dict) and hints.get("readOnlyHint") is True) is self.read_only


class Approval(msgspec.Struct, frozen=True):
    """Which tools run without asking: the first rule that has one counts, else `otherwise`."""

    otherwise: bool = False
    rules: tuple[tuple[Chosen, bool], ...] = ()

    def runs(self, tool: JsonObject, name: str, own: str) -> bool:
        return next((runs for chosen, runs in self.rules if chosen.has(tool, name, own)), self.otherwise)


class Definition(msgspec.Struct, frozen=True):
    """`servers`: None for all that the caller may use. `allowed`: None for all but those `denied`."""

    label: str
    servers: tuple[str, ...] | None
    allowed: Chosen | None
    denied: frozenset[str]
    approval: Approval
    headers: Mapping[bytes, bytes]

    @property
    def uniform(self) -> bool:
        """No tool is another than the others: three may stand for them (`many.py`)."""
        return self.allowed is None and not self.denied and not self.approval.rules


class Offer(msgspec.Struct, frozen=True):
    """A tool as the model is given it. `name`: in its view."""

    definition: Definition
    view: View
    name: str
    runs: bool


class McpToolboxes:
    def __init__(
        self,
        hub: Hub,
        runner: Runner,
        authenticator: Authenticator,
        credentials: CredentialsOf,
        is_key: Callable[[bytes], bool],
        *,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        """`is_key`: an `Authorization` is for us. `hosts`: by which this gateway is reached, beside the one that a
        request came by."""
        self._hub = hub
        self._runner = runner
        self._authenticator = authenticator
        self._credentials = credentials
        self._is_key = is_key
        self._hosts = hosts

    def ours(self, definition: JsonObject, inbound: Inbound) -> bool:
        return is_ours(definition, inbound.host, self._hosts)

    async def open(
        self, definitions: Sequence[JsonObject], inbound: Inbound, record: Record, taken: frozenset[str]
    ) -> McpToolbox:
        box = McpToolbox(self._runner, record)
        for number, said in enumerate(definitions):
            definition = self._read(said, inbound, number)
            await box.add(definition, await self._view(definition, inbound), taken)
        return box

    def _read(self, said: JsonObject, inbound: Inbound, number: int) -> Definition:
        where = f"$.tools: `{said.get('server_label') or number}`"
        headers = said.get("headers") or {}
        if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
            raise BadRequestError(f"`headers` of an MCP tool are names and texts - at {where}.", param="tools")
        token = said.get("authorization")
        if isinstance(token, str) and token and "authorization" not in map(str.lower, headers):
            headers = {**headers, "authorization": f"Bearer {token}"}
        for name, value in headers.items():
            if not is_header(name, value.encode().decode("latin-1")):
                told = f"The header {name[:200]!r} of an MCP tool, or its value, is none that HTTP has - at {where}."
                raise BadRequestError(told, param="tools")
        named = {name.lower().encode(): value.encode() for name, value in headers.items()}
        servers = servers_of(str(said.get("server_url")), inbound.host, self._hosts)
        chosen = named.get(b"x-mcp-servers")
        if servers is None and chosen is not None:
            servers = tuple(item.strip() for item in chosen.decode("latin-1").split(",") if item.strip())
        if servers is NOT_OURS or not (servers is None or isinstance(servers, tuple)):
            raise BadRequestError(f"This is no MCP server of this gateway - at {where}.", param="tools")
        return Definition(
            label=str(said.get("server_label") or "tollbridge"),
            servers=servers,
            allowed=_chosen(said, "allowed_tools", where),
            denied=_names(said.get("denied_tools"), "denied_tools", where) or frozenset(),
            approval=_approval(said.get("require_approval"), where),
            headers=named,
        )

    async def _view(self, definition: Definition, inbound: Inbound) -> View:
        principal = inbound.principal
        if principal is None:
            raise AuthenticationError("MCP tools are for somebody.")
        headers, inner = await self._inner(definition.headers, principal)
        caller = Caller(principal=principal, modern=True, credentials=self._credentials(principal, headers))
        servers = definition.servers or ()
        alone = len(servers) == 1 and self._hub.find(servers[0]) is not None
        view = self._hub.view(caller, definition.servers, alone=alone)
        return view if inner is None else view.narrowed(rights_of(inner))

    async def _inner(
        self, headers: Mapping[bytes, bytes], outer: Principal
    ) -> tuple[Mapping[bytes, bytes], Principal | None]:
        """What of a definition's headers is for servers, and whose key stands in them, where one does and it is
        another's. Raises APIError."""
        key, shown = headers.get(OWN_HEADER), headers.get(b"authorization")
        if (key is None and shown is None) or outer is OPERATOR:  # who is let in without a key has none to narrow
            return headers, None
        try:
            found = self._authenticator.authenticate({OWN_HEADER: key or shown or b""})
            principal = found if isinstance(found, Principal) else await found
        except AuthenticationError:
            if key is not None or self._is_key(shown or b""):
                raise
            return headers, None  # a credential for servers
        if key is None:
            headers = {name: value for name, value in headers.items() if name != b"authorization"}
        return headers, None if principal.id == outer.id else principal


class McpToolbox:
    """`server.toolbox.Toolbox`."""

    def __init__(self, runner: Runner, record: Record) -> None:
        self._runner = runner
        self._record = record
        self._offers: dict[str, Offer] = {}
        self.tools: list[Tool] = []
        self.listings: list[Listing] = []
        self.cost_nanousd = 0

    def _spent(self, nanousd: int) -> None:
        self.cost_nanousd += nanousd

    async def add(self, definition: Definition, view: View, taken: frozenset[str]) -> None:
        try:
            if definition.uniform:
                listed = await view.run(Call("tools/list", {}, view.caller))
            else:
                listed = {"tools": await view.tools()}
        except RpcError as error:
            self.listings.append(Listing(definition.label, (), error.message))
            return
        shown = []
        for tool in listed.get("tools") or []:
            name = tool["name"]
            placed = view.scope.placed("tools", name)
            own = name if placed is None else placed[1]  # of those that stand for many (`many.py`) none is told apart
            if definition.allowed is not None and not definition.allowed.has(tool, name, own):
                continue
            if not definition.denied.isdisjoint((name, own)):
                continue
            if len(self.tools) >= TOOLS_MAX:
                raise BadRequestError(
                    f"More than {TOOLS_MAX} MCP tools: choose some by `allowed_tools`.", param="tools"
                )
            given = name_for_models(name, self._offers, taken)
            self._offers[given] = Offer(definition, view, name, definition.approval.runs(tool, name, own))
            schema = tool.get("inputSchema")
            self.tools.append(
                Tool(
                    name=given,
                    description=tool.get("description") or tool.get("title"),
                    schema=schema if isinstance(schema, dict) else _SCHEMA,
                )
            )
            shown.append({**tool, "name": given})
        absent = dict((listed.get("_meta") or {}).get("tollbridge/absent") or {})
        absent.update((name, "there is no such server for this key") for name in view.scope.missing)
        missing = None if not absent or shown else "; ".join(f"{name}: {why}" for name, why in absent.items())
        self.listings.append(Listing(definition.label, shown, missing))

    def owns(self, name: str) -> bool:
        return name in self._offers

    def label(self, name: str) -> str:
        return self._offers[name].definition.label

    def runs(self, name: str) -> bool:
        return self._offers[name].runs

    async def call(self, call: ToolCall) -> Ran:
        offer = self._offers[call.name]
        try:
            arguments = arguments_of(call.arguments)
            asked = Call("tools/call", {"name": offer.name, "arguments": arguments}, offer.view.caller)
            result = await self._runner.run(offer.view, asked, self._record, spent=self._spent)
        except RpcError as error:
            told = f"The tool failed: {error.message}"
            return Ran(offer.definition.label, call.name, told, (Text(text=told),), failed=True)
        content = _content(result)
        text = "\n".join(part.text for part in content if isinstance(part, Text))
        return Ran(offer.definition.label, call.name, text, content, failed=result.get("isError") is True)


def name_for_models(name: str, given: Mapping[str, object], taken: Collection[str] = ()) -> str:
    """Valid for every model, and nobody else's. `given`: those that were made here before."""
    made = _INVALID.sub("_", name)[:NAME_MAX]
    if made in taken or made in given or len(name) > NAME_MAX:
        mark = hashlib.sha256(f"{name} {len(given)}".encode()).hexdigest()[:8]
        made = f"{made[: NAME_MAX - 9]}_{mark}"
    return made


def _chosen(said: JsonObject, field: str, where: str) -> Chosen | None:
    """A list of names, or OpenAI's filter; None where nothing is said. Raises BadRequestError."""
    value = said.get(field)
    if not isinstance(value, dict):
        names = _names(value, field, where)
        return None if names is None else Chosen(names)
    read_only = value.get("read_only")
    if read_only is not None and not isinstance(read_only, bool):
        raise BadRequestError(f"`{field}.read_only` is true or false - at {where}.", param="tools")
    return Chosen(_names(value.get("tool_names"), f"{field}.tool_names", where), read_only)


def _names(value: Json, field: str, where: str) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise BadRequestError(f"`{field}` is a list of names - at {where}.", param="tools")
    return frozenset(value)


def _approval(said: Json, where: str) -> Approval:
    if said is None or said == "always":
        return Approval()
    if said == "never":
        return Approval(otherwise=True)
    if isinstance(said, dict):
        never, always = (_chosen(said, word, f"{where}, `require_approval`") for word in ("never", "always"))
        if never == Chosen():
            never = None  # a filter that chooses nothing frees nothing
        rules = tuple((chosen, runs) for chosen, runs in ((never, True), (always, False)) if chosen is not None)
        return Approval(otherwise=always is not None and never is None, rules=rules)
    raise BadRequestError(f"`require_approval` is `always`, `never` or says so by tool - at {where}.", param="tools")


def arguments_of(text: str) -> JsonObject:
    try:
        value = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError) as error:
        raise RpcError(-32602, f"the arguments are no JSON: {error}"[:300]) from error
    if not isinstance(value, dict):
        raise RpcError(-32602, "the arguments are no JSON object")
    return value


def _content(result: JsonObject) -> tuple[Part, ...]:
    """What a tool came to, as parts of a message."""
    found: list[Part] = []
    for block in result.get("content") or []:
        if not isinstance(block, dict):
            continue
        match block.get("type"):
            case "text":
                found.append(Text(text=str(block.get("text", ""))))
            case "image" | "audio":
                kind = str(block.get("mimeType") or f"{block['type']}/*")
                found.append(Media(media_type=kind, source=Inline(data=str(block.get("data", "")))))
            case "resource":
                found.append(_resource(block.get("resource")))
            case _:
                found.append(Text(text=msgspec.json.encode(block).decode()))
    if not found and "structuredContent" in result:
        found.append(Text(text=msgspec.json.encode(result["structuredContent"]).decode()))
    return tuple(found) or (Text(text=""),)


def _resource(resource: Json) -> Part:
    if isinstance(resource, dict) and isinstance(resource.get("text"), str):
        return Text(text=resource["text"])
    if isinstance(resource, dict) and isinstance(resource.get("blob"), str):
        kind = str(resource.get("mimeType") or "application/octet-stream")
        return Media(media_type=kind, source=Inline(data=resource["blob"]), name=resource.get("name"))
    return Text(text=msgspec.json.encode(resource).decode())
