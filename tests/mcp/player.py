"""A client for the official suite's client scenarios, which plays them through the gateway.

    python -m tests.mcp.player URL      URL: the scenario's server, which the suite appends

The scenario's server is added to the gateway that runs at TOLLBRIDGE_PLAYED (as the admin, over the API), asked for its
tools through it, and taken away again; where somebody has to sign in, this is the browser. All that the suite's server
sees is the gateway's. Only the standard library: it is started some fifty times.
"""

from __future__ import annotations

import html
import json
import os
import re
import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

GATEWAY = os.environ.get("TOLLBRIDGE_PLAYED", "")
PUBLIC = "https://conformance-test.local"
"""As what the gateway is known: the suite expects to find a client's description there."""
KEY = os.environ.get("TOLLBRIDGE_PLAYED_KEY", "")
VERSION = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION") or "2025-11-25"
MODERN = VERSION >= "2026-07-28"
SIGN_INS_MAX = 6
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientInfo": {"name": "player", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}, "url": {}}},
}


class Refusal(Exception):
    """An error in JSON-RPC's words."""


class SignIn(Exception):
    """Somebody has to open a page first."""


def http(
    method: str,
    url: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    heard: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[HTTPResponse, bytes]:
    """`heard`: of each message of a stream, as it comes."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=20)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request(method, path or "/", body or None, headers or {})
    response = connection.getresponse()
    if response.headers.get_content_type() != "text/event-stream":
        return response, response.read()
    said = b""
    while line := response.readline():
        said += line
        if heard is not None and line.startswith(b"data:") and line[5:].strip():
            heard(json.loads(line[5:]))
    return response, said


CREDENTIALS = {
    "client_id": "client_id",
    "client_secret": "client_secret",
    "private_key_pem": "client_private_key",
    "signing_algorithm": "client_assertion_signing_alg",
}
"""What the suite gives, in the words of a configuration."""


class Player:
    def __init__(self, url: str) -> None:
        self.scenario = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
        self.context: dict[str, Any] = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
        self.name = f"played-{os.getpid()}"
        self.url = url
        self.numbers = iter(range(1, 1000))
        self.session = ""
        self.jar: dict[str, str] = {}
        self.tools: dict[str, dict[str, Any]] = {}

    def play(self) -> None:
        added = self.manage("POST", "/v1/mcp/server", self.described())
        try:
            if not MODERN:
                self.greet()
            self.tools = {tool["name"]: tool["inputSchema"] for tool in self.ask("tools/list")["tools"]}
            for name, arguments in self.calls():
                try:
                    self.ask("tools/call", {"name": name, "arguments": arguments})
                except Refusal as refusal:
                    print(f"{name}: {refusal}", file=sys.stderr)
        finally:
            self.manage("DELETE", f"/v1/mcp/server/{added['server_id']}")

    def described(self) -> dict[str, Any]:
        said: dict[str, Any] = {"server_name": self.name, "url": self.url, "transport": "http"}
        if self.scenario.startswith("auth/"):
            said["auth_type"] = "oauth2"
        if "client_id" in self.context:
            known = {CREDENTIALS[name]: self.context[name] for name in CREDENTIALS if name in self.context}
            said["credentials"] = known
        if self.scenario in ("auth/client-credentials-basic", "auth/client-credentials-jwt"):
            said["oauth2_flow"] = "client_credentials"
        return said

    def calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Those that the scenario names, else each tool with something of each kind that it wants."""
        if "toolCalls" in self.context:
            return [(call["name"], call["arguments"]) for call in self.context["toolCalls"]]
        if "json_schema_echo" in self.tools:
            return [("json_schema_echo", {"schema": self.tools["json_schema_2020_12_tool"]})]
        return [(name, arguments_for(schema)) for name, schema in self.tools.items()]

    def greet(self) -> None:
        params = {"protocolVersion": VERSION, "capabilities": {"elicitation": {"form": {}, "url": {}}}}
        self.ask("initialize", {**params, "clientInfo": {"name": "player", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Signs in where that is wanted, and asks again, for as long as it is wanted."""
        for _ in range(SIGN_INS_MAX):
            try:
                return self.answered(method, dict(params or {}))
            except SignIn as wanted:
                self.sign_in(str(wanted))
        raise SystemExit("somebody has to sign in again and again")

    def answered(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        while True:
            if MODERN:
                params = {**params, "_meta": META}
            id = next(self.numbers)
            told = self.send({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
            if "error" in told:
                error = told["error"]
                found = re.search(r"https?://\S+/mcp/sign-in/\S+", json.dumps(error))
                if found is not None:
                    raise SignIn(found[0].rstrip('",}]'))
                raise Refusal(error.get("message"))
            result: dict[str, Any] = told["result"]
            if result.get("resultType") != "input_required":
                return result
            params = self.with_input(params, result)

    def with_input(self, params: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
        responses: dict[str, Any] = {}
        for name, asked in result.get("inputRequests", {}).items():
            if asked["params"].get("mode") == "url":
                self.sign_in(asked["params"]["url"])
                responses[name] = {"action": "accept"}
            else:
                responses[name] = {"action": "accept", "content": {"confirmed": True}}
        state = {"requestState": result["requestState"]} if "requestState" in result else {}
        own = {name: value for name, value in params.items() if name not in ("requestState", "inputResponses")}
        return {**own, "inputResponses": responses, **state}

    def send(self, message: dict[str, Any]) -> dict[str, Any]:
        headers = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "x-litellm-api-key": KEY,
        }
        method = message["method"]
        if MODERN:
            headers |= {"mcp-protocol-version": VERSION, "mcp-method": method}
            if method == "tools/call":
                headers |= dict(mirrored(method, message["params"], self.tools[message["params"]["name"]]))
        elif self.session:
            headers |= {"mcp-protocol-version": VERSION, "mcp-session-id": self.session}

        def heard(asked: dict[str, Any]) -> None:
            if asked.get("method") == "elicitation/create":
                content = defaults_of(asked["params"]["requestedSchema"])
                answer = {"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": content}}
                http("POST", there, json.dumps(answer).encode(), headers)

        there = f"{GATEWAY}/mcp/{self.name}"
        response, body = http("POST", there, json.dumps(message).encode(), headers, heard)
        self.session = response.headers.get("mcp-session-id") or self.session
        return last_message(body, message.get("id"))

    def manage(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        response, said = http(method, GATEWAY + path, b"" if body is None else json.dumps(body).encode(), headers)
        if response.status >= 400:
            raise SystemExit(f"{method} {path}: {response.status} {said.decode()}")
        told: dict[str, Any] = json.loads(said)
        return told

    # the browser

    def sign_in(self, url: str) -> None:
        page = self.browse("GET", url)
        page = self.browse("POST", url, urlencode({"key": KEY, "answer": "yes"}).encode())
        found = re.search(r'<a class="go"[^>]* href="([^"]+)"', page)
        if found is None:
            raise SystemExit(f"there is nowhere to go on: {page}")
        there, _ = http("GET", html.unescape(found[1]))
        back = there.headers["location"]
        if back is None:
            raise SystemExit(f"the authorization server answered with {there.status}")
        page = self.browse("GET", back)
        if "You are signed in" not in page:
            raise SystemExit(f"not signed in: {page}")

    def browse(self, method: str, url: str, body: bytes = b"") -> str:
        url = url.replace(PUBLIC, GATEWAY, 1)
        headers = {"content-type": "application/x-www-form-urlencoded"} if body else {}
        if self.jar:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        response, said = http(method, url, body, headers)
        for cookie in response.headers.get_all("set-cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.jar[name] = value
        return said.decode()


def last_message(body: bytes, id: int | None) -> dict[str, Any]:
    if not body:
        return {}
    if body[:1] == b"{":
        told: dict[str, Any] = json.loads(body)
        return told
    messages = [json.loads(line[5:]) for line in body.splitlines() if line.startswith(b"data:") and line[5:].strip()]
    return next(message for message in messages if message.get("id") == id)


def mirrored(method: str, params: dict[str, Any], schema: dict[str, Any]) -> list[tuple[str, str]]:
    """A modern client says in headers what its tool wants said there."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
    from tollbridge.mcp.mirrors import annotated  # a fifth of a second, for the few that need it
    from tollbridge.mcp.mirrors import mirrored as headers

    return headers(method, params, annotated(schema))


def defaults_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: one["default"] for name, one in schema.get("properties", {}).items() if "default" in one}


def arguments_for(schema: dict[str, Any]) -> dict[str, Any]:
    """Something of each kind that is wanted."""
    made = {"string": "text", "number": 3, "integer": 3, "boolean": True, "array": [], "object": {}}
    found: dict[str, Any] = {}
    for number, (name, one) in enumerate(schema.get("properties", {}).items()):
        kind = one.get("type", "string") if isinstance(one, dict) else "string"
        found[name] = made.get(kind, "text") if kind not in ("number", "integer") else 5 - 2 * number
    return found


if __name__ == "__main__":
    Player(sys.argv[1]).play()
