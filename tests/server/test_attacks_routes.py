"""Rows S01, S02, S10 to S12 of the attack matrix, and security by the route table: generated over every route that the
gateway serves, so that a new one is tested on the day it is added, and fails here where it says nothing of its policy.

Below: tests/server/test_identify.py (what a credential is), tests/policy/test_keyring.py (keys in memory),
tests/admin/test_key_routes.py (what each management route does).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from sqlalchemy import event

from bench.mock_upstream import serving
from tests.server.accounted import Accounted, accounted
from tests.server.faults import CHAT, PATH_OF, ask, ask_at, configuration, entry, error_of
from tests.server.http.raw import Wire, connected
from tests.server.pipelined import Asked, answers
from tests.server.served import KEY, Answered
from tollbridge.home import checksum, new_key
from tollbridge.server.managed import Call, Reply
from tollbridge.server.routes import ROUTES, Route, RouteTable

OPEN = {"/", "/healthz", "/readyz", "/health/liveness", "/health/liveliness", "/health/readiness"}
PAGES = {
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/{id}",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/{id}",
    "/.well-known/openid-configuration",
    "/client-metadata.json",
    "/register",
    "/authorize",
    "/token",
    "/revoke",
    "/mcp/callback",
    "/mcp/sign-in/{id}",
}
"""Where people sign in, and programs that have no key yet. What is asked there without sense is refused."""
METRICS = {"/metrics"}
SELF = {"/key/info", "/key/list"}
"""What a key may ask about itself. Everything else that is managed is the admin's."""


def error_at(route: Route, answered: Answered) -> dict[str, Any]:
    return error_of(PATH_OF[route.dialect], answered.json())


async def call(gateway: Accounted, route: Route, method: str, headers: dict[str, str], id: str = "m") -> Answered:
    body = ask_at(route) if method == "POST" and route.handler != "managed" else None
    if route.handler == "mounted" and method == "GET":
        async with gateway.begun(route.path.replace("{id}", id), headers) as answer:  # may be a stream without an end
            told = {name.lower(): value for name, value in answer.headers.items()}
            return Answered(answer.status, told, await answer.read() if answer.status != 200 else b"")
    return await gateway.send(method, route.path.replace("{id}", id), body, headers, key=None)


def forged(id: str) -> str:
    """A key that could be one: its checksum is right."""
    body = new_key(id)[:-6]
    return body + checksum(body)


async def nobodies(gateway: Accounted) -> dict[str, dict[str, str]]:
    """Credentials that are nobody's."""
    made = {name: await gateway.made(key_alias=name) for name in ("blocked", "deleted", "expired", "regenerated")}
    await gateway.send("POST", "/key/block", {"key": made["blocked"]["token"]})
    await gateway.send("POST", "/key/delete", {"keys": [made["deleted"]["token"]]})
    expired = made["expired"]["token"]
    await gateway.accounts.keys.update(expired, lambda key: msgspec.structs.replace(key, expires_at=time.time() - 1))
    gateway.accounts.keyring.forget(expired)
    await gateway.send("POST", "/key/regenerate", {"key": made["regenerated"]["token"]})
    shown = {name: one["key"] for name, one in made.items()}
    alive = (await gateway.made(key_alias="alive"))["key"]
    shown |= {
        "unknown": new_key(),
        "another secret": forged(alive[6:14]),
        "without its checksum": alive[:-6],
        "one letter off": alive[:-7] + ("0" if alive[-7] != "0" else "1") + alive[-6:],
        "the id alone": alive[6:14],
        "lower case": alive.lower(),
        "a custom one": "sk-nobodys-own-wording",
        "the master's beginning": KEY[:-1],
        "of the store": (await gateway.accounts.keys.get(alive[6:14])).digest.hex(),  # type: ignore[union-attr]
        "SQL": "sk-' OR '1'='1' --",
        "a token of another kind": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    }
    found = {name: {"authorization": f"Bearer {key}"} for name, key in shown.items()}
    found |= {f"{name} in x-litellm-api-key": {"x-litellm-api-key": key} for name, key in shown.items()}
    return found | {
        "nothing": {},
        "an empty one": {"authorization": "Bearer "},
        "another scheme": {"authorization": f"Basic {KEY}"},
        "a cookie": {"cookie": f"token={KEY}; key={KEY}"},
        "an empty one before the right one": {"x-litellm-api-key": "", "authorization": f"Bearer {KEY}"},
        "a wrong one before the right one": {"x-litellm-api-key": new_key(), "authorization": "Bearer x"},
    }


@pytest.mark.timeout(600)  # a quarter of a minute of a core, of which a busy machine gives it little
async def test_s01_every_route_with_every_kind_of_credential(tmp_path: Path) -> None:
    """security.md 3.1: the status by the route's policy, the error in its dialect, and nobody upstream is asked."""
    async with serving() as mock, accounted(configuration(entry("m", mock.port)), tmp_path) as gateway:
        wrong = await nobodies(gateway)
        key = (await gateway.made())["key"]
        routes = await gateway.routes()
        assert {route.path for route in routes if route.access == "open"} == OPEN | PAGES
        assert {route.path for route in routes if route.access == "metrics"} == METRICS
        for route in routes:
            for method in route.methods:
                asked = mock.provider.books.requests
                for name, headers in wrong.items():
                    answered = await call(gateway, route, method, headers)
                    if route.path in PAGES:
                        assert answered.status in (200, 400, 404), (route.path, name)
                        continue
                    if route.access in ("open", "metrics"):
                        assert answered.status == 200, (route.path, name)
                        continue
                    assert answered.status == 401, (route.path, method, name)
                    challenge = answered.headers["www-authenticate"]
                    assert challenge.startswith('Bearer resource_metadata="http' if route.door else "Bearer")
                    assert ("resource_metadata" in challenge) == (route.door is not None)
                    if method != "HEAD":
                        error_at(route, answered)
                assert mock.provider.books.requests == asked, route.path
                two = {"authorization": f"Bearer {KEY}", "x-api-key": key}
                if route.path not in PAGES:
                    expected = 400 if route.access in GUARDED else 200
                    assert (await call(gateway, route, method, two)).status == expected
                for name, headers in (("key", {"x-api-key": key}), ("master", {"authorization": f"Bearer {KEY}"})):
                    answered = await call(gateway, route, method, headers)
                    if route.access == "admin" and name == "key":
                        assert answered.status == 403, route.path
                        if method != "HEAD":
                            error_at(route, answered)
                    elif name == "key" and passes_through(route):  # the paths of an account are the admin's
                        assert answered.status == 403, route.path
                    else:
                        assert answered.status not in (401, 403), (route.path, name)


GUARDED = ("key", "self", "admin")


def passes_through(route: Route) -> bool:
    return route.mount is not None and route.mount.__module__ == "tollbridge.passing.through"


async def nothing(call: Call) -> Reply:
    return Reply({})


@pytest.mark.parametrize(
    "route",
    [
        Route(methods=("GET",), path="/x", handler="root", access="team"),  # type: ignore[arg-type]
        Route(methods=("GET",), path="/x", handler="root", access=None),  # type: ignore[arg-type]
        Route(methods=("GET",), path="/x", handler="managed", access="open", manager=nothing),
        Route(methods=("GET",), path="/x", handler="managed", access="metrics", manager=nothing),
        Route(methods=("GET",), path="/x", handler="managed", access="admin"),
        Route(methods=("GET",), path="/x", handler="root", access="open", manager=nothing),
        Route(methods=("GET",), path="/metrics", handler="root", access="open"),
        Route(methods=("POST",), path="/v1/models/{id}/drop", handler="managed", access="admin", manager=nothing),
    ],
)
def test_a_table_with_a_route_that_is_not_guarded_as_it_says_is_not_made(route: Route) -> None:
    with pytest.raises(ValueError, match=route.path.replace("{", r"\{")):
        RouteTable((*ROUTES, route))
    with pytest.raises(TypeError, match="access"):
        Route(methods=("GET",), path="/x", handler="root")  # type: ignore[call-arg]


@contextmanager
def statements(gateway: Accounted) -> Iterator[list[str]]:
    """Everything that the database's driver is told: text and parameters."""
    engine, said = gateway.accounts.database._engine.sync_engine, list[str]()

    def heard(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append(statement + repr(parameters))

    event.listen(engine, "before_cursor_execute", heard)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", heard)


GARBAGE = [
    "sk-' OR 1=1--canary",
    "sk-canary'; DROP TABLE keys; --",
    'sk-canary" UNION SELECT digest FROM keys --',
    "sk-canary%00%27",
    "sk-canary\\'; --",
    "sk-canary" + "x" * 240,
    "sk-canary" + "x" * 4000,
    "sk-tb-canarycan" + "a" * 48,
    "canary",
]


async def test_s02_no_statement_holds_a_key_that_was_shown(tmp_path: Path) -> None:
    """In whatever header it came, whoever's it was, and whatever became of it."""
    async with serving() as mock, accounted(configuration(entry("m", mock.port)), tmp_path) as gateway:
        with statements(gateway) as said:
            made, own = await gateway.made(), await gateway.made(key="sk-canary-of-my-own-wording'--")
            shown = [*GARBAGE, made["key"], own["key"], new_key(), forged(made["token"])]
            for key in shown:
                for header in ("authorization", "x-api-key", "api-key", "x-goog-api-key", "x-litellm-api-key"):
                    answered = await gateway.send("POST", CHAT, ask(), {header: key}, key=None)
                    assert answered.status == (200 if key in (made["key"], own["key"]) else 401)
            for key in (made["key"], own["key"], *GARBAGE[:5]):
                for path in (f"/key/info?key={quote(key)}", f"/key/list?key_hash={quote(made['token'])}"):
                    await gateway.send("GET", path)
                for path in ("/key/update", "/key/block", "/key/regenerate"):
                    await gateway.send("POST", path, {"key": key})
                await gateway.send("POST", "/key/delete", {"keys": [key]})
        told = "\n".join(said)
    assert made["token"] in told, "it was listened to"
    for secret in ("canary", made["key"][14:57], own["key"], "DROP", "UNION", "of-my-own"):
        assert secret not in told


async def test_s02_heads_that_hold_what_is_no_text_get_nobody_in_and_reach_no_database(tmp_path: Path) -> None:
    values = [b"Bearer a\0b", b"Bearer sk-\xff\xfe" + b"x" * 20, "Bearer \u0455k-tb-".encode() + b"0" * 57]
    async with accounted(configuration(), tmp_path) as gateway:
        with statements(gateway) as said:
            for value in values:
                async with connected(gateway.listener) as wire:
                    await wire.send(b"GET /v1/models HTTP/1.1\r\nhost: a\r\nauthorization: " + value + b"\r\n\r\n")
                    assert (await wire.answer()).status in (400, 401)
        assert not [one for one in said if "FROM keys " in one]


async def test_of_many_people_on_one_connection_each_is_who_they_say(tmp_path: Path) -> None:
    """A proxy's pool: what a connection remembers of a head, and of who sent it, is nobody else's, and ends with the
    key. Also where they come at once, faster than they are answered."""
    dice = random.Random(7)
    async with serving() as mock, accounted(configuration(entry("m", mock.port)), tmp_path) as gateway:
        people = {name: await gateway.made(key_alias=name) for name in ("alice", "bob")}
        carol = await gateway.made(key_alias="carol", duration="1h", models=["other"])
        key_of = {name: one["key"] for name, one in people.items()} | {
            "carol": carol["key"],
            "admin": KEY,
            "nobody": new_key(),
        }
        expected = {"alice": 200, "bob": 200, "carol": 403, "admin": 200, "nobody": 401}
        body = json.dumps(ask()).encode()

        def said(name: str, more: int) -> bytes:
            head = f"POST {CHAT} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key_of[name]}\r\n"
            return f"{head}content-length: {len(body) + more}\r\n\r\n".encode() + body + b" " * more

        async def ask_all(names: list[str], wire: Wire) -> None:
            await wire.send(b"".join(said(name, dice.randrange(3)) for name in names))
            statuses = [(await wire.answer()).status for _ in names]
            assert statuses == [expected[name] for name in names], names

        async with connected(gateway.listener) as wire:
            for _ in range(30):
                await ask_all(dice.choices(list(expected), weights=(5, 2, 1, 2, 1), k=6), wire)
            await ask_all(["alice"] * 3, wire)
            await gateway.send("POST", "/key/block", {"key": people["alice"]["token"]})
            expected["alice"] = 401
            await ask_all(["alice", "alice", "bob", "bob", "alice"], wire)
            await gateway.send("POST", "/key/unblock", {"key": people["alice"]["token"]})
            expected["alice"] = 200
            await ask_all(["alice", "alice"], wire)
            await gateway.send("POST", "/key/regenerate", {"key": people["alice"]["token"]})
            await gateway.send("POST", "/key/delete", {"keys": [people["bob"]["token"]]})
            expected |= {"alice": 401, "bob": 401}
            await ask_all(["alice", "alice", "bob", "bob", "admin", "alice"], wire)
        for record in gateway.records:
            if record.endpoint == CHAT and record.status == 200:
                assert record.key_id in ("master", *(one["token"] for one in people.values()))


WORDS = ("key", "api_key", "key_hash", "key_alias", "token", "id", "user_id", "request_id", "end_user", "after")
BODIES = ("key", "keys", "key_aliases", "token", "id", "api_key", "key_alias", "user_id", "metadata")


@pytest.mark.timeout(600)
async def test_s12_a_key_neither_sees_nor_changes_another(tmp_path: Path) -> None:
    """Every managed route, with each word by which one could be named, as its id, its text, its alias, an SQL pattern:
    the answers hold nothing of the other, and it is afterwards what it was before. What is not there and what is
    somebody else's are told alike."""
    async with serving() as mock, accounted(configuration(entry("canary-group", mock.port)), tmp_path) as gateway:
        mine = await gateway.made(key_alias="mine", models=["mine"])
        other = await gateway.made(
            key_alias="canary-alias", models=["canary-group"], metadata={"a": "canary-metadata"}, max_budget=123.25
        )
        body = ask("canary-group", user="canary-user", metadata={"tags": ["canary-tag"]})
        served = await gateway.send("POST", CHAT, body, key=other["key"])
        assert served.status == 200
        references = [other["token"], other["key"], "canary-alias", "canary-user", served.json()["id"], "%", "_" * 8]
        references += [served.headers["x-tollbridge-request-id"], "canary%", "' OR ''='", "master", ""]
        before = await everything_of(gateway, other["token"])
        managed = [route for route in await gateway.routes() if route.handler == "managed"]
        assert {route.path for route in managed if route.access == "self"} >= SELF
        for route in managed:
            asked = [(reference, one) for reference in references for one in ways(route, reference)]
            told = await answers(gateway, [one for _, one in asked], key=mine["key"])
            for (reference, one), answered in zip(asked, told, strict=True):
                said = answered.body.decode().replace(json.dumps(reference)[1:-1], "") if reference else ""
                assert answered.status < 500, (one.path, one.body, answered.body)
                assert "canary" not in said, (one.path, one.body, said)
                assert other["token"] not in said, (one.path, one.body)
                assert other["key"][14:57] not in said, (one.path, one.body)
                if route.access == "admin":
                    assert answered.status == 403, one.path
        assert await everything_of(gateway, other["token"]) == before
        for path in ("/key/info?key=",):
            there, nowhere = [
                await gateway.send("GET", path + name, key=mine["key"]) for name in (other["token"], "nobodyxx")
            ]
            assert (there.status, there.body.replace(other["token"].encode(), b"nobodyxx")) == (404, nowhere.body)


def ways(route: Route, reference: str) -> Iterator[Asked]:
    path = route.path.replace("{id}", quote(reference or "x", safe=""))
    for method in route.methods:
        if method == "POST":
            yield Asked(method, path, {})
            for word in BODIES:
                named = [reference] if word.startswith("keys") or "aliases" in word else reference
                yield Asked(method, path, {word: named})
        else:
            yield Asked(method, path)
            for word in WORDS:
                yield Asked(method, f"{path}?{word}={quote(reference)}")
            yield Asked(method, f"{path}?return_full_object=true&size=100")


async def everything_of(gateway: Accounted, token: str) -> Any:
    info = await gateway.send("GET", f"/key/info?key={token}")
    assert info.status == 200
    return {name: value for name, value in info.json()["info"].items() if name != "spend"}


async def test_s10_s11_no_key_makes_or_widens_a_key(tmp_path: Path) -> None:
    """Not even itself, and not by a field that says who it is."""
    async with accounted(configuration(), tmp_path) as gateway:
        made = await gateway.made(models=["m"], max_budget=1, rpm_limit=1)
        widened = {"models": ["*"], "max_budget": 1e6, "rpm_limit": None, "blocked": False, "duration": "-1"}
        bodies: list[dict[str, Any]] = [
            widened,
            {"key": made["token"], **widened},
            {"key": made["key"], "role": "admin"},
        ]
        for route in await gateway.routes():
            if route.access == "admin":
                for body in bodies:
                    for named in (made["token"], made["key"]):
                        path = route.path.replace("{id}", named)
                        answered = await gateway.send(route.methods[0], path, body, key=made["key"])
                        assert answered.status == 403, path
        info = (await gateway.send("GET", "/key/info", key=made["key"])).json()["info"]
        assert info == {name: value for name, value in made.items() if name not in ("key", "token_id")}
        assert (await gateway.send("GET", "/key/list")).json()["total_count"] == 1
