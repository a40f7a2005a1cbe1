"""The route table: every path that is served, who may ask, in which dialect errors come.

A route without a policy cannot be written down: `Route` has no default for `access`, and a table that holds one with a
word for it that nobody knows, or two routes of which one would answer for the other, is not made: the gateway does not
start. Authorization is decided on the matched route, never on a URL that was rebuilt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, Protocol, get_args

import msgspec

from tollbridge.errors import APIError
from tollbridge.observe import Record
from tollbridge.policy.principal import Principal
from tollbridge.server.inbound import Headers, Inbound, Responder
from tollbridge.server.managed import Manager
from tollbridge.wires.dialects import COMPLETIONS

Access = Literal["key", "self", "admin", "metrics", "open"]
"""key: a Principal. self: a Principal, who is shown what is its own. admin: a Principal who is the admin. metrics: the
metrics token, or loopback where there is none. open: anybody, tells nothing."""

Mount = Callable[[Inbound, Responder, Record, str | None], Awaitable[None]]
"""Answers by itself, in a format of its own; the record's status is to be set. The last is the id in the path. Where it
accounted for the request (the record has an entry's id, or a duration), nobody else does."""


class Door(Protocol):
    """Who asks at a route, where it also takes credentials of its own."""

    def authenticate(self, inbound: Inbound) -> Principal | Awaitable[Principal]:
        """Raises APIError."""

    def challenge(self, inbound: Inbound, error: APIError) -> Headers:
        """What a refusal tells besides."""


Handler = Literal[
    "generate",
    "task",
    "compact",
    "complete",
    "count_tokens",
    "models",
    "model",
    "liveness",
    "readiness",
    "metrics",
    "root",
    "managed",
    "mounted",
]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """`path`: exact, or with one `{id}` that may hold slashes; this is what logs and metrics tell. `manager`: who
    answers where the handler is `managed`, `mount` where it is `mounted`. `stream`: whether the path asks for one; None
    where the body says. `key_in_query`: the dialect's clients may put the key into the query, as `key`. `flows`: the
    handler takes the body as it arrives (`inbound.Flow`). `switches`: it goes on as a WebSocket. `door`: who says who
    asks; None is the gateway's own."""

    methods: tuple[str, ...]
    path: str
    handler: Handler
    access: Access
    dialect: str = "openai_chat"
    manager: Manager | None = None
    mount: Mount | None = None
    stream: bool | None = None
    key_in_query: bool = False
    flows: bool = False
    switches: bool = False
    door: Door | None = None


class Match(msgspec.Struct, frozen=True):
    route: Route
    id: str | None = None


def with_and_without_v1(route: Route) -> list[Route]:
    return [route, msgspec.structs.replace(route, path=route.path.removeprefix("/v1"))]


READ = ("GET", "HEAD")


def gemini(root: str) -> list[Route]:
    """The routes of Gemini's dialect below one root. The model, and whether to stream, stand in the path."""
    models = f"{root}/models"

    def route(
        methods: tuple[str, ...], path: str, handler: Handler, stream: bool | None = None, dialect: str = "gemini"
    ) -> Route:
        return Route(
            methods=methods,
            path=models + path,
            handler=handler,
            access="key",
            dialect=dialect,
            stream=stream,
            key_in_query=True,
        )

    made = [
        route(("POST",), "/{id}:generateContent", "generate", stream=False),
        route(("POST",), "/{id}:streamGenerateContent", "generate", stream=True),
        route(("POST",), "/{id}:countTokens", "count_tokens", stream=False),
        route(("POST",), "/{id}:embedContent", "task", stream=False, dialect="gemini_embed_one"),
        route(("POST",), "/{id}:batchEmbedContents", "task", stream=False, dialect="gemini_embed_batch"),
    ]
    if root not in ("", "/v1"):  # there stand OpenAI's lists
        made += [route(READ, "", "models"), route(READ, "/{id}", "model")]
    return made


TASKS: Mapping[str, str] = {
    "/embeddings": "openai_embeddings",
    "/rerank": "cohere_rerank",
    "/moderations": "openai_moderations",
    "/audio/speech": "openai_speech",
    "/audio/transcriptions": "openai_transcriptions",
    "/audio/translations": "openai_translations",
    "/images/generations": "openai_images",
    "/images/edits": "openai_image_edits",
}
"""By path below /v1, the dialect of what is asked for there."""


def task(path: str, dialect: str) -> list[Route]:
    """The routes of one task. Azure's and LiteLLM's clients put the model into the path."""
    paths = [f"/v1{path}", path, f"/openai/deployments/{{id}}{path}", f"/engines/{{id}}{path}"]
    if path == "/rerank":
        paths = [*paths[:2], "/v2/rerank"]
    return [Route(methods=("POST",), path=one, handler="task", access="key", dialect=dialect) for one in paths]


_OF_RESPONSES: tuple[tuple[str, Handler], ...] = (("/compact", "compact"), ("/input_tokens", "count_tokens"))

ROUTES: tuple[Route, ...] = (
    *(route for root in ("/v1beta", "/v1", "", "/gemini/v1beta", "/gemini/v1") for route in gemini(root)),
    *with_and_without_v1(Route(methods=("POST",), path="/v1/chat/completions", handler="generate", access="key")),
    *(
        Route(methods=("POST",), path=path, handler="generate", access="key")
        for path in ("/openai/deployments/{id}/chat/completions", "/engines/{id}/chat/completions")
    ),
    *with_and_without_v1(
        Route(methods=("POST",), path="/v1/messages", handler="generate", access="key", dialect="anthropic_messages")
    ),
    *(
        Route(methods=("POST",), path=path, handler="generate", access="key", dialect="openai_responses")
        for path in ("/v1/responses", "/responses", "/openai/v1/responses", "/openai/responses")
    ),
    *(
        Route(methods=("POST",), path=root + path, handler=handler, access="key", dialect="openai_responses")
        for root in ("/v1/responses", "/responses", "/openai/v1/responses", "/openai/responses")
        for path, handler in _OF_RESPONSES
    ),
    *with_and_without_v1(
        Route(
            methods=("POST",),
            path="/v1/messages/count_tokens",
            handler="count_tokens",
            access="key",
            dialect="anthropic_messages",
        )
    ),
    *(route for path, dialect in TASKS.items() for route in task(path, dialect)),
    *(
        Route(methods=("POST",), path=path, handler="complete", access="key", dialect=COMPLETIONS)
        for path in (
            "/v1/completions",
            "/completions",
            "/openai/deployments/{id}/completions",
            "/engines/{id}/completions",
        )
    ),
    *with_and_without_v1(Route(methods=READ, path="/v1/models", handler="models", access="key")),
    *with_and_without_v1(Route(methods=READ, path="/v1/models/{id}", handler="model", access="key")),
    *(
        Route(methods=READ, path=path, handler="liveness", access="open")
        for path in ("/health/liveliness", "/health/liveness", "/healthz")
    ),
    *(Route(methods=READ, path=path, handler="readiness", access="open") for path in ("/health/readiness", "/readyz")),
    Route(methods=READ, path="/metrics", handler="metrics", access="metrics"),
    Route(methods=READ, path="/", handler="root", access="open"),
)


LATELY_MAX, LATELY_CHARACTERS_MAX = 1024, 256


class RouteTable:
    """Finds the route of a path: exact ones by a dict, those with an id by prefix and suffix, unless the path came
    lately. Where methods of one path are for different people, it has several routes."""

    def __init__(self, routes: Sequence[Route] = ROUTES) -> None:
        """Raises ValueError where a route is not guarded by what it says."""
        self.routes = tuple(routes)
        self._exact: dict[str, Match] = {}
        self._with_id: list[tuple[str, str, Route]] = []
        self._lately: dict[str, Match] = {}
        self._beside: dict[tuple[str, str], Route] = {}
        first: dict[str, Route] = {}
        for route in routes:
            if first.setdefault(route.path, route) is not route:
                self._beside.update({(route.path, method): route for method in route.methods})
                continue
            head, found, tail = route.path.partition("{id}")
            if found:
                self._with_id.append((head, tail, route))
            else:
                self._exact[route.path] = Match(route)
        for route in routes:
            self._check(route)

    def find(self, path: str, method: str) -> Match | None:
        """Where no route of the path takes the method, one that takes others."""
        found = self._exact.get(path) or self._lately.get(path) or self._find_with_id(path)
        if found is None or method in found.route.methods:
            return found
        beside = self._beside.get((found.route.path, method))
        return found if beside is None else Match(beside, found.id)

    def methods(self, route: Route) -> tuple[str, ...]:
        """All that its path takes."""
        return (*route.methods, *(method for path, method in self._beside if path == route.path))

    def exact(self) -> Sequence[str]:
        """The paths without an id."""
        return tuple(self._exact)

    def tails(self, route: Route) -> tuple[str, ...]:
        """What follows the id in other routes that begin like this one."""
        beginning = route.path.partition("{id}")[0]
        return tuple(tail for head, tail, _ in self._with_id if head == beginning and tail)

    def _find_with_id(self, path: str) -> Match | None:
        for head, tail, route in self._with_id:
            id = path[len(head) : len(path) - len(tail)]
            if id and path.startswith(head) and path.endswith(tail):
                return self._noted(path, Match(route, id))
        return None

    def _noted(self, path: str, found: Match) -> Match:
        """What a path is does not change: it is looked for once, where it is none of very many."""
        if len(self._lately) >= LATELY_MAX:
            self._lately.clear()
        if len(path) <= LATELY_CHARACTERS_MAX:
            self._lately[path] = found
        return found

    def _check(self, route: Route) -> None:
        if route.access not in get_args(Access):
            raise ValueError(f"{route.path}: {route.access!r} is no policy")
        if (route.handler == "managed") != (route.manager is not None):
            raise ValueError(f"{route.path}: a managed route, and no other, has a manager")
        if (route.handler == "mounted") != (route.mount is not None):
            raise ValueError(f"{route.path}: a mounted route, and no other, has a mount")
        if route.handler == "managed" and route.access not in ("self", "admin"):
            raise ValueError(f"{route.path}: a managed route is for a principal")
        for id in ("x", "x/y"):
            for method in route.methods:
                found = self.find(route.path.replace("{id}", id), method)
                if found is None or found.route is not route:
                    raise ValueError(f"{route.path}: another route answers for it")
