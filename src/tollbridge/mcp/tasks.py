"""Ids of tasks: `server:id.seal`, where a server said `id`.

1. The server's name says whose task it is, where several stand behind one endpoint.
2. The seal binds it to the principal that it was told: a server that is shared cannot tell its callers apart, so nobody
   else's id is passed on to it. It is made of a key and kept nowhere, so it holds in every process that has the key.
3. An id stands in the result that made the task (`taskId`, or `task.taskId` before 2026-07-28), in what `tasks/...`
   answer, in notifications about it, and in `_meta` of what belongs to it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from tollbridge.mcp.jsonrpc import MISSING_CAPABILITY, RpcError
from tollbridge.mcp.names import parted
from tollbridge.mcp.revisions import RELATED_TASK, TASKS
from tollbridge.model.json import Json, JsonObject

OF_TASKS = "tasks/"
"""How the methods about them begin."""
SEAL = 32
HOLDERS = frozenset({"taskId", "task", "_meta"})
"""Fields of a result that an id may stand in."""


class TaskIds:
    """Of one principal."""

    def __init__(self, key: bytes, principal: str) -> None:
        self._key = key
        self._principal = principal

    def sealed(self, server: str, id: str) -> str:
        said = f"{server}:{id}"
        return f"{said}.{self._mac(said)}"

    def opened(self, servers: Iterable[str], told: Json) -> tuple[str, str] | None:
        """(server, its own id); None of what was not told to this principal."""
        if not isinstance(told, str):
            return None
        said, _, mac = told.rpartition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(said).encode()):
            return None
        return parted(said, servers, ":")

    def told(self, server: str, said: JsonObject) -> JsonObject:
        """A result, or the parameters of a notification, with ids as this principal knows them."""
        if isinstance(id := said.get("taskId"), str):
            said = {**said, "taskId": self.sealed(server, id)}
        for path in (("task",), ("_meta", RELATED_TASK)):
            said = self._within(server, said, path)
        return said

    def _within(self, server: str, said: JsonObject, path: tuple[str, ...]) -> JsonObject:
        inner = said.get(path[0])
        if not isinstance(inner, dict):
            return said
        if len(path) > 1:
            return {**said, path[0]: self._within(server, inner, path[1:])}
        if not isinstance(id := inner.get("taskId"), str):
            return said
        return {**said, path[0]: {**inner, "taskId": self.sealed(server, id)}}

    def _mac(self, said: str) -> str:
        text = f"{self._principal} task {said}".encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()[:SEAL]


def lacks_tasks() -> RpcError:
    needed: JsonObject = {"requiredCapabilities": {"extensions": {TASKS: {}}}}
    return RpcError(MISSING_CAPABILITY, "The client did not declare the Tasks extension.", needed, status=400)
