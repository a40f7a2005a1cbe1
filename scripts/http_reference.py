"""Writes the table of docs/http-reference.md, from the route table of a gateway that has everything configured.

python -m scripts.http_reference            writes it
python -m scripts.http_reference --check    says whether it is stale: exit code 1

A route that nobody described in `SAID` is an error: whoever adds one says there what it is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scripts.marked import Marked
from tollbridge.assemble.accounts import management
from tollbridge.cli.process import application
from tollbridge.config.load import load_value
from tollbridge.home import Home
from tollbridge.server.absent import ABSENT
from tollbridge.server.annex import known
from tollbridge.server.identify import MasterKey
from tollbridge.server.routes import ROUTES, Route

WHO: Mapping[str, str] = {
    "key": "a key",
    "self": "a key, of what is its own",
    "admin": "the admin",
    "metrics": "the metrics token, else loopback",
    "open": "anybody",
}
CONFIGURED = {
    "model_list": [{"model_name": "demo", "litellm_params": {"model": "demo/hello"}}],
    "mcp_servers": {"desk": {"url": "https://mcp.example.com/mcp"}},
}
PASSED = "/{provider}/{id}"
GROUPS: Mapping[str, Mapping[str, str]] = {
    "Conversations": {
        "/chat/completions": "a chat in [OpenAI's format](server.md#routes)",
        "/messages": "a chat in Anthropic's format",
        "/messages/count_tokens": "asked of the provider where it can count, else counted here",
        "/responses": "a [response](server.md#responses); GET goes on as a [WebSocket](realtime.md)",
        "/responses/{id}": "a response that the gateway keeps: shown, or forgotten",
        "/responses/{id}/input_items": "what it was given",
        "/responses/{id}/cancel": "ends one that runs in the background",
        "/responses/compact": "a conversation, [made shorter](server.md#made-shorter-and-counted)",
        "/responses/input_tokens": "asked of the provider where it can count, else counted here",
        "/completions": "a text, continued ([tasks](tasks.md#completions))",
        "/models/{id}:generateContent": "a chat in Gemini's format",
        "/models/{id}:streamGenerateContent": "the same as a stream",
        "/models/{id}:countTokens": "asked of Gemini, else counted here",
        "/models/{id}:embedContent": "one vector in Gemini's format, of any model ([tasks](tasks.md#embeddings))",
        "/models/{id}:batchEmbedContents": "several",
        "/realtime": "a [WebSocket](realtime.md): a session with a model that listens and speaks",
    },
    "Tasks": {
        "/embeddings": "[vectors](tasks.md)",
        "/rerank": "a ranking, in Cohere's format",
        "/moderations": "a judgement",
        "/audio/speech": "a text, spoken",
        "/audio/transcriptions": "a recording, written down",
        "/audio/translations": "the same in English",
        "/images/generations": "an image",
        "/images/edits": "an image, changed",
    },
    "Models": {
        "/models": "what may be asked for",
        "/models/{id}": "one of them",
        "/model/info": "each deployment: limits, prices, no secrets ([models](server.md#what-is-told-of-models))",
        "/model_group/info": "each name, whoever of its deployments answers",
        "/utils/token_counter": "tokens of `messages`, `contents` or a `prompt`, counted here",
        "/utils/supported_openai_params": "the fields that `model` takes, of a chat or of the task that it is for",
    },
    "Files and batches": {
        "/files": "[files](files.md): uploaded (multipart), listed",
        "/files/{id}": "one: described, deleted",
        "/files/{id}/content": "what is in it",
        "/batches": "[batches](files.md): begun, listed",
        "/batches/{id}": "one of them",
        "/batches/{id}/cancel": "ended",
        "/messages/batches": "batches of Anthropic's format: begun, listed",
        "/messages/batches/{id}": "one of them",
        "/messages/batches/{id}/cancel": "ended",
        "/messages/batches/{id}/results": "what came of it",
    },
    "Keys": {
        "/key/generate": "makes one ([keys](keys.md#routes))",
        "/key/update": "changes what is named, nothing else",
        "/key/delete": "ends some",
        "/key/block": "ends one until it is unblocked",
        "/key/unblock": "lets it be used again",
        "/key/regenerate": "another secret for the same key",
        "/key/{id}/regenerate": "likewise",
        "/key/{id}/reset_spend": "what it has spent, set anew",
        "/key/info": "one key, by `key`; without it the one that asks",
        "/key/list": "all, in pages",
        "/key/aliases": "their aliases, in pages",
    },
    "Costs": {
        "/spend/logs": "entries of the [ledger](ledger.md#reports)",
        "/spend/logs/v2": "the same by numbered pages",
        "/spend/keys": "by key",
        "/spend/tags": "by tag",
        "/spend/calculate": "what a request would cost",
        "/global/spend": "all of it",
        "/global/spend/logs": "by day",
        "/global/spend/keys": "by key, the last 30 days",
        "/global/spend/models": "by model, the last 30 days",
        "/global/spend/provider": "by provider",
        "/global/spend/tags": "by tag, in other words",
        "/global/spend/all_tag_names": "the tags alone",
        "/global/activity": "requests and tokens by day",
        "/global/activity/model": "the same by name",
    },
    "MCP": {
        "/mcp": "[all servers](mcp.md#paths-and-headers) that the key may use",
        "/mcp/": "the same",
        "/mcp/{id}": "one server, or an access group",
        "/{id}/mcp": "the same",
        "/sse": "HTTP+SSE, for clients of 2024-11-05",
        "/sse/messages": "the other half of it",
        "/mcp-rest/tools/list": "tools, by [plain HTTP](mcp.md#plain-http)",
        "/mcp-rest/tools/call": "a call of one",
        "/mcp/tools/list": "as `/mcp-rest/tools/list`",
        "/mcp/tools/call": "as `/mcp-rest/tools/call`",
        "/mcp/tools": "the tools that the key may use, as they are named at `/mcp`",
        "/mcp/server": "the servers ([over the API](mcp.md#over-the-api)): shown, added, changed",
        "/mcp/server/{id}": "one of them: shown, taken away",
        "/mcp/server/health": "each is greeted",
        "/mcp/access_groups": "groups of servers",
        "/mcp/pins": "[changed tools](mcp.md#what-tools-are-said-to-be): what waits for an approval, and approving it",
        "/mcp-rest/test/connection": "tries a server that is not kept",
        "/mcp-rest/test/tools/list": "its tools",
        "/mcp/sign-ins": "where one is [signed in](mcp-oauth.md): shown, begun",
        "/mcp/sign-ins/finish": "what came back from the server's page",
        "/mcp/sign-ins/{id}": "signs out",
    },
    "OAuth": {
        "/.well-known/oauth-protected-resource": "what the MCP endpoint is ([OAuth](mcp-oauth.md)), RFC 9728",
        "/.well-known/oauth-protected-resource/{id}": "likewise, by path",
        "/.well-known/oauth-authorization-server": "who gives tokens for it, RFC 8414",
        "/.well-known/oauth-authorization-server/{id}": "likewise, by path",
        "/.well-known/openid-configuration": "the same, where some clients look for it",
        "/register": "a client makes itself known, RFC 7591",
        "/authorize": "the page on which a person agrees",
        "/token": "tokens for a code, or anew",
        "/revoke": "ends one, RFC 7009",
        "/client-metadata.json": "what this gateway is, toward servers that want OAuth",
        "/mcp/sign-in/{id}": "the page on which a person goes on to a server's",
        "/mcp/callback": "where the server's page sends people back to",
    },
    "Pass-through": {
        PASSED: "a vendor's whole [API](pass-through.md), with its name as `{provider}`; any method",
    },
    "The process": {
        "/health": "which deployments rest or are not enabled; no provider is asked",
        "/routes": "the paths of this list",
        "/healthz": "the process answers",
        "/health/liveness": "the same",
        "/health/liveliness": "the same",
        "/readyz": "503 as soon as it is told to stop, and while it cannot write down what requests cost",
        "/health/readiness": "the same",
        "/metrics": "[Prometheus text](server.md#metrics)",
        "/": "that this is a gateway; to a browser, what to do next",
    },
}
"""By path, without the prefixes under which it is there as well."""
PREFIXES = (
    *("/gemini/v1beta", "/gemini/v1", "/openai/deployments/{id}", "/openai/v1", "/engines/{id}"),
    *("/openai", "/v1beta", "/v1", "/v2"),
)
"""Under which a path may be there as well: its own is the first of `OWN` that it has."""
OWN = ("/v1", "")
GEMINI = "/v1beta"
SAID = {path: said for group in GROUPS.values() for path, said in group.items()}


def routes() -> Sequence[Route]:
    config = load_value(CONFIGURED, {}, "the reference").config
    if config is None:
        raise ValueError("the configuration of the reference has an error")
    with tempfile.TemporaryDirectory() as folder:
        door, keys = MasterKey("sk-" + "reference" * 4), {"OPENAI_API_KEY": "sk-reference"}
        with application(config, keys, Home(Path(folder)), door, "none") as (_, assembled, accounts):
            return (*ROUTES, *management(accounts, assembled.gateway), *known(assembled.routes()))


def base(path: str) -> tuple[str, str]:
    """(the prefix, the path as it is described). Raises KeyError where nobody described it."""
    if path in SAID:
        return "", path
    for prefix in PREFIXES:
        if path.startswith(f"{prefix}/") and path.removeprefix(prefix) in SAID:
            return prefix, path.removeprefix(prefix)
    if path.endswith("/{id}") and path.count("/") == 2:
        return "", PASSED
    raise KeyError(f"{path}: say in scripts/http_reference.py what it is")


def listing() -> Iterator[str]:
    methods: dict[str, dict[str, str]] = {}
    prefixes: dict[str, list[str]] = {}
    for route in routes():
        prefix, path = base(route.path)
        methods.setdefault(path, {}).update(dict.fromkeys((m for m in route.methods if m != "HEAD"), route.access))
        if prefix not in prefixes.setdefault(path, []):
            prefixes[path].append(prefix)
    for title, group in GROUPS.items():
        yield from (f"## {title}", "", "| method | path | what | who |", "|---|---|---|---|")
        for path, said in group.items():
            own = GEMINI if ":" in path else next(one for one in (*OWN, *prefixes[path]) if one in prefixes[path])
            others = ", ".join(f"`{prefix}`" for prefix in prefixes[path] if prefix not in ("", own))
            also = f"; also below {others}" if others else ""
            yield f"| {_methods(methods[path])} | `{own}{path}` | {said}{also} | {_who(methods[path])} |"
        yield ""


def _methods(found: Mapping[str, str]) -> str:
    return "any" if len(found) > 4 else ", ".join(found)


def _who(found: Mapping[str, str]) -> str:
    """One word where all methods are for the same people."""
    people = dict.fromkeys(found.values())
    if len(people) == 1:
        return WHO[next(iter(people))]
    return "; ".join(f"{', '.join(m for m, a in found.items() if a == one)}: {WHO[one]}" for one in people)


def missing() -> Iterator[str]:
    yield from ("", "| paths | instead |", "|---|---|")
    for one in ABSENT:
        paths = ", ".join(f"`{path}...`" if path.endswith("/") else f"`{path}`" for path in one.beginnings)
        yield f"| {paths} | {one.instead} |"
    yield ""


PART = Marked("docs/http-reference.md", "routes", "http_reference", listing)
MISSING = Marked("docs/http-reference.md", "paths that are not there", "http_reference", missing)

if __name__ == "__main__":
    PART.main()
    MISSING.main()
