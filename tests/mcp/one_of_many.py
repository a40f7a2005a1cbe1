"""One server of several under one roof, seen as if it stood alone: what the relay rewrites so that the suite, which
knows the names of its fixture only, can be run against an endpoint that serves more than one server.

Names go out with the server's before them (`everything-test_simple_text`), URIs as `mcp://everything/test://static-text`;
both come back without. What belongs to other servers is left out of listings. Everything else passes as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = Any
_NAMED = frozenset({"tools/call", "prompts/get"})
_LOCATED = frozenset({"resources/read", "resources/subscribe", "resources/unsubscribe"})
_LISTS = {"tools": "name", "prompts": "name", "resources": "uri", "resourceTemplates": "uriTemplate"}


@dataclass(frozen=True)
class OneOfMany:
    server: str
    separator: str = "-"

    def named(self, method: str, value: str) -> str:
        """A name or URI of this server as it is called under the roof; `method` says which of the two it is."""
        if method in _NAMED:
            return self._name_prefix + value
        return self._uri_prefix + value if method in _LOCATED else value

    def sent(self, body: bytes) -> bytes:
        """A request's body on its way to the roof."""
        try:
            message = json.loads(body)
        except ValueError:
            return body
        if not isinstance(message, dict) or not isinstance(message.get("params"), dict):
            return body
        method, params = message.get("method"), message["params"]
        match method:
            case "tools/call" | "prompts/get":
                _change(params, "name", lambda name: self.named(method, name))
            case "resources/read" | "resources/subscribe" | "resources/unsubscribe":
                _change(params, "uri", lambda uri: self.named(method, uri))
            case "completion/complete":
                _change(params.get("ref"), "name", lambda name: self._name_prefix + name)
                _change(params.get("ref"), "uri", lambda uri: self._uri_prefix + uri)
            case "subscriptions/listen":
                wanted = params.get("notifications")
                if isinstance(wanted, dict) and isinstance(uris := wanted.get("resourceSubscriptions"), list):
                    wanted["resourceSubscriptions"] = [self._uri_prefix + uri for uri in uris]
        return json.dumps(message).encode()

    def received(self, body: bytes) -> bytes:
        """A message on its way back."""
        try:
            message = self._alone(json.loads(body))
        except ValueError:
            return body
        if isinstance(message, dict) and isinstance(result := message.get("result"), dict):
            for kind, key in _LISTS.items():
                if isinstance(listed := result.get(kind), list):
                    result[kind] = list(self._own(listed, key))
        return json.dumps(message).encode()

    def _own(self, listed: list[Json], key: str) -> Any:
        for item in listed:
            value = str(item.get(key))
            if key != "name":
                # URIs have lost their prefix already; those of others kept it.
                if not value.startswith("mcp://"):
                    yield item
            elif value.startswith(self._name_prefix):
                yield {**item, "name": value.removeprefix(self._name_prefix)}

    def _alone(self, value: Json) -> Json:
        """`value` with each text that is a URI of this server as the server itself calls it."""
        match value:
            case str():
                return value.removeprefix(self._uri_prefix)
            case list():
                return [self._alone(item) for item in value]
            case dict():
                return {name: self._alone(item) for name, item in value.items()}
        return value

    @property
    def _name_prefix(self) -> str:
        return f"{self.server}{self.separator}"

    @property
    def _uri_prefix(self) -> str:
        return f"mcp://{self.server}/"


def _change(within: Json, key: str, change: Callable[[str], str]) -> None:
    if isinstance(within, dict) and isinstance(within.get(key), str):
        within[key] = change(within[key])
