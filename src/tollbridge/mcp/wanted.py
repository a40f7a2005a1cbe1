"""What a modern client wants to hear of (`subscriptions/listen`), server by server.

A resource or a task that is no server's of this view is left out of what is acknowledged, as the protocol has it."""

from __future__ import annotations

from tollbridge.mcp.call import Tell
from tollbridge.mcp.capabilities import extensions_of
from tollbridge.mcp.jsonrpc import RpcError
from tollbridge.mcp.revisions import TASKS
from tollbridge.mcp.tasks import lacks_tasks
from tollbridge.mcp.upstream import Upstream
from tollbridge.mcp.view import View
from tollbridge.mcp.watching import LISTS, Watch
from tollbridge.model.json import Json, JsonObject

EACH_MAX = 1000
"""Resources, or tasks, of one stream."""


class Wanted:
    """`asked`: as the client said it. Raises RpcError."""

    def __init__(self, view: View, asked: Json) -> None:
        asked = asked if isinstance(asked, dict) else {}
        self._caller = view.caller
        self._lists = frozenset(kind for kind in LISTS.values() if asked.get(f"{kind}ListChanged") is True)
        self._uris: list[tuple[Upstream, str, str]] = []
        self._tasks: list[tuple[Upstream, str, str]] = []
        for uri in _texts(asked.get("resourceSubscriptions")):
            try:
                upstream, own = view.resource(uri)
            except RpcError:
                continue
            self._uris.append((upstream, own, uri))
        tasks = _texts(asked.get("taskIds"))
        if tasks and TASKS not in extensions_of(view.caller.capabilities):
            raise lacks_tasks()
        for told in tasks:
            if (found := view.task(told)) is not None:
                self._tasks.append((*found, told))

    def watch(self, upstream: Upstream, tell: Tell) -> Watch | None:
        """None where nothing is wanted of it."""
        uris = frozenset(own for at, own, _ in self._uris if at is upstream)
        tasks = frozenset(own for at, own, _ in self._tasks if at is upstream)
        if not (self._lists or uris or tasks):
            return None
        return Watch(self._caller, tell, lists=self._lists, uris=uris, tasks=tasks)

    def honoured(self, heard: list[Upstream]) -> JsonObject:
        """`heard`: the servers that are listened to."""
        told: JsonObject = {f"{kind}ListChanged": True for kind in sorted(self._lists)}
        if uris := [uri for at, _, uri in self._uris if at in heard]:
            told["resourceSubscriptions"] = uris
        if tasks := [task for at, _, task in self._tasks if at in heard]:
            told["taskIds"] = tasks
        return told


def _texts(said: Json) -> list[str]:
    return [one for one in said[:EACH_MAX] if isinstance(one, str)] if isinstance(said, list) else []
