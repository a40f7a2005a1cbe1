"""`/key/*` through a whole gateway, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.admin.managing import PEPPER, Managed, managing
from tests.databases import fresh_sqlite, rows
from tests.ledger.records import record
from tests.server.accounted import accounted
from tests.server.faults import configuration, entry
from tests.server.http.raw import connected
from tests.server.served import KEY
from tollbridge.admin.key_fields import PROMISING, RESTRICTING
from tollbridge.admin.keys import Keys
from tollbridge.errors import StoreUnavailable, UnprocessableEntityError
from tollbridge.observe.ulid import Ulids
from tollbridge.server.identify import MasterKey, OpenDoor
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.key_spend import count_spend
from tollbridge.store.keys import KeyStore
from tollbridge.store.mcp_servers import McpServerStore

FULL = {
    "key_alias": "team a",
    "duration": "1h",
    "models": ["demo/*", "fast"],
    "aliases": {"gpt-4o": "demo/hello"},
    "max_budget": 12.345678901,
    "budget_duration": "30d",
    "rpm_limit": 10,
    "tpm_limit": 1000,
    "max_parallel_requests": 3,
    "metadata": {"team": "core", "n": [1, 2.5, None]},
    "blocked": False,
}


async def test_a_key_is_made_shown_once_and_works(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made(**FULL)
        assert made["key"].startswith("sk-tb-")
        assert made["token"] == made["token_id"] == made["key"][6:14]
        assert made["key_name"] == f"sk-...{made['key'][-4:]}"
        assert {name: made[name] for name in FULL if name != "duration"} == {
            name: value for name, value in FULL.items() if name != "duration"
        }
        assert abs(datetime.fromisoformat(made["expires"]).timestamp() - time.time() - 3600) < 60
        assert datetime.fromisoformat(made["budget_reset_at"]).day == 1
        assert (made["spend"], made["created_by"], made["team_id"]) == (0.0, "master", None)
        assert "warnings" not in made
        assert (await gateway.asks(made["key"])).status == 200
        for path in (
            f"/key/info?key={made['token']}",
            f"/key/info?key={made['key']}",
            "/key/list?return_full_object=true",
        ):
            answered = await gateway.send("GET", path)
            assert answered.status == 200
            assert made["key"][14:] not in answered.body.decode()
            assert answered.headers["cache-control"] == "no-store"
        info = (await gateway.send("GET", f"/key/info?key={made['token']}")).json()
        assert info["key"] == made["token"]
        assert info["info"] == {name: value for name, value in made.items() if name not in ("key", "token_id")}


async def test_an_empty_request_makes_a_key_without_limits(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        answered = await gateway.send("POST", "/key/generate", b"")
        made = answered.json()
        assert (made["models"], made["max_budget"], made["expires"], made["rpm_limit"]) == ([], None, None, None)
        assert (await gateway.asks(made["key"])).status == 200


async def test_an_update_changes_what_it_names_and_nothing_else(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made(**FULL)
        changed = await gateway.send(
            "POST", "/key/update", {"key": made["key"], "rpm_limit": 99, "max_budget": None, "duration": None}
        )
        assert changed.status == 200
        told = changed.json()
        assert (told["key"], told["rpm_limit"], told["max_budget"]) == (made["token"], 99, None)
        same = set(FULL) - {"duration", "rpm_limit", "max_budget"} | {"expires"}
        assert {name: told[name] for name in same} == {name: made[name] for name in same}
        forever = await gateway.send("POST", "/key/update", {"key": made["token"], "duration": "-1"})
        assert forever.json()["expires"] is None
        cleared = await gateway.send("POST", "/key/update", {"key": made["token"], "budget_duration": None})
        assert (cleared.json()["budget_duration"], cleared.json()["budget_reset_at"]) == (None, None)


async def test_a_block_an_unblock_and_a_delete_count_from_the_next_request(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made()
        assert (await gateway.asks(made["key"])).status == 200
        blocked = await gateway.send("POST", "/key/block", {"key": made["token"]})
        assert blocked.json()["blocked"] is True
        refused = await gateway.asks(made["key"])
        assert (refused.status, refused.json()["error"]["code"]) == (401, "key_blocked")
        await gateway.send("POST", "/key/unblock", {"key": made["key"]})
        assert (await gateway.asks(made["key"])).status == 200
        deleted = await gateway.send("POST", "/key/delete", {"keys": [made["key"]]})
        assert deleted.json() == {"deleted_keys": [made["token"]]}
        assert (await gateway.asks(made["key"])).status == 401
        assert (await gateway.send("GET", f"/key/info?key={made['token']}")).status == 404


async def test_a_change_through_another_process_is_heard_of(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made()
        await gateway.ring.hear()
        assert (await gateway.asks(made["key"])).status == 200
        other = Database.open(database_url)
        async with managing(other, tmp_path / "other") as elsewhere:
            await elsewhere.send("POST", "/key/block", {"key": made["token"]})
        other.close()
        await gateway.ring.hear()
        assert (await gateway.asks(made["key"])).status == 401


async def test_regenerating_ends_the_former_key_and_keeps_the_rest(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made(key_alias="a", rpm_limit=5)
        await gateway.asks(made["key"])
        for path, body in (
            ("/key/regenerate", {"key": made["token"], "rpm_limit": 7}),
            (f"/key/{made['token']}/regenerate", {}),
        ):
            again = (await gateway.send("POST", path, body)).json()
            assert (again["token"], again["key_alias"], again["rpm_limit"]) == (made["token"], "a", 7)
            assert (await gateway.asks(made["key"])).status == 401
            assert (await gateway.asks(again["key"])).status == 200
            made = again
        by_itself = await gateway.send("POST", f"/key/{made['key']}/regenerate", {"new_key": "sk-of-my-own-wording"})
        assert by_itself.json()["key"] == "sk-of-my-own-wording"
        assert (await gateway.asks("sk-of-my-own-wording")).status == 200
        assert (await gateway.asks(made["key"])).status == 401


async def test_a_key_keeps_its_id_and_what_it_spent_whatever_text_takes_the_place_of_its_own(
    database: Database, tmp_path: Path
) -> None:
    """Also what is under way when it is regenerated, and folded later."""
    async with managing(database, tmp_path) as gateway:
        own, made = await gateway.made(key="sk-of-my-own-wording", max_budget=9), await gateway.made(max_budget=9)
        for key, body in ((own, {}), (made, {"new_key": "sk-in-other-words-now"})):
            early = record(id=Ulids().next(), key_id=key["token"], cost_nanousd=10**9)
            await asyncio.to_thread(EntryStore(database).fold, [early])
            assert (await gateway.asks(key["key"])).status == 200
            again = (await gateway.send("POST", "/key/regenerate", {"key": key["token"], **body})).json()
            assert (again["token"], again["spend"]) == (key["token"], 1.0)
            late = record(id=Ulids().next(), key_id=key["token"], cost_nanousd=2 * 10**9)
            await asyncio.to_thread(EntryStore(database).fold, [late])
            for name in (key["token"], again["key"]):
                assert (await gateway.send("GET", f"/key/info?key={name}")).json()["info"]["spend"] == 3.0
            assert (await gateway.asks(again["key"])).status == 200
            assert (await gateway.asks(key["key"])).status == 401
        taken = await gateway.send("POST", "/key/regenerate", {"key": own["token"], "new_key": "sk-in-other-words-now"})
        assert (taken.status, taken.json()["error"]["code"]) == (409, "key_exists")


@pytest.mark.parametrize("alias", ["master", "Master", "open", "sk-team", "-", "aB3dE6gH", "0f" * 32, " a", "a "])
async def test_an_alias_is_no_other_name_of_anybody(tmp_path: Path, alias: str) -> None:
    database = Database.open(fresh_sqlite(tmp_path / "a.db"))
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made(key_alias="frontend")
        for path, body in (("/key/generate", {}), ("/key/update", {"key": made["token"]})):
            answered = await gateway.send("POST", path, {**body, "key_alias": alias})
            assert (answered.status, answered.json()["error"]["param"]) == (422, "key_alias")
    database.close()


async def test_each_route_takes_an_alias_for_a_key(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made(key_alias="team-a")
        assert (await gateway.send("GET", "/key/info?key=team-a")).json()["key"] == made["token"]
        for path, body in (
            ("/key/block", {"key": "team-a"}),
            ("/key/unblock", {"key": "team-a"}),
            ("/key/update", {"key": "team-a", "rpm_limit": 5}),
            ("/key/regenerate", {"key": "team-a"}),
            ("/key/team-a/regenerate", {}),
            ("/key/team-a/reset_spend", {"reset_to": 0}),
        ):
            answered = await gateway.send("POST", path, body)
            assert (answered.status, answered.json()["token"]) == (200, made["token"]), path
        assert (await gateway.send("POST", "/key/delete", {"keys": ["team-a"]})).json() == {
            "deleted_keys": [made["token"]]
        }


async def test_who_is_not_there_is_named_and_no_secret_with_it(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        await gateway.made(key_alias="here")
        strangers = {"keys": ["here", "gone", "sk-tb-" + "x" * 57], "key_aliases": ["nobody"]}
        refused = (await gateway.send("POST", "/key/delete", strangers)).json()["error"]
        assert refused["message"] == "There are no keys 'gone', sk-...xxxx, 'nobody' here, neither by id nor by alias."
        for path in ("/key/block", "/key/unblock", "/key/update", "/key/regenerate"):
            refused = (await gateway.send("POST", path, {"key": "gone"})).json()["error"]
            assert (refused["code"], "'gone'" in refused["message"]) == ("key_not_found", True)


@pytest.mark.parametrize(
    ("path", "body", "code", "told"),
    [
        ("/key/block", {}, "missing_field", "`key` is missing"),
        ("/key/block", {"key": ["x"]}, "invalid_field", "and is a list"),
        ("/key/update", {"key": 7}, "invalid_field", "and is a number"),
        ("/key/me/reset_spend", {}, "missing_field", "`reset_to` is missing"),
        ("/key/delete", {}, "missing_field", "`keys` is missing"),
        ("/key/delete", {"keys": "x"}, "invalid_field", "and is a text"),
        ("/key/delete", {"keys": [7]}, "invalid_field", "and holds a number"),
        ("/key/delete", {"keys": [""]}, "invalid_field", "and holds an empty one"),
        ("/key/delete", {"key_aliases": ["x"] * 1_001}, "invalid_field", "at most 1,000"),
    ],
)
async def test_what_is_missing_and_what_is_of_another_kind_are_told_apart(
    tmp_path: Path, path: str, body: dict[str, Any], code: str, told: str
) -> None:
    database = Database.open(fresh_sqlite(tmp_path / "a.db"))
    async with managing(database, tmp_path) as gateway:
        await gateway.made(key_alias="me")
        answered = await gateway.send("POST", path, body)
        error = answered.json()["error"]
        assert (answered.status, error["code"], told in error["message"]) == (422, code, True), error
    database.close()


async def test_a_key_of_ones_own_wording_works_and_is_there_once(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made(key="sk-my-own-team-key-2026")
        assert made["key"] == "sk-my-own-team-key-2026"
        assert len(made["token"]) == 64
        assert (await gateway.asks("sk-my-own-team-key-2026")).status == 200
        again = await gateway.send("POST", "/key/generate", {"key": "sk-my-own-team-key-2026"})
        assert (again.status, again.json()["error"]["code"]) == (409, "key_exists")
        await gateway.send("POST", "/key/block", {"key": made["token"]})
        assert (await gateway.asks("sk-my-own-team-key-2026")).status == 401


async def test_aliases_are_there_once_and_name_what_is_deleted(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        first, second = await gateway.made(key_alias="a"), await gateway.made(key_alias="b")
        for path, body in (
            ("/key/generate", {"key_alias": "a"}),
            ("/key/update", {"key": second["token"], "key_alias": "a"}),
        ):
            clash = await gateway.send("POST", path, body)
            assert (clash.status, clash.json()["error"]["param"]) == (409, "key_alias")
        missing = await gateway.send("POST", "/key/delete", {"key_aliases": ["a", "nobody"]})
        assert missing.status == 404
        assert (await gateway.asks(first["key"])).status == 200, "all or none"
        deleted = await gateway.send("POST", "/key/delete", {"keys": [second["token"]], "key_aliases": ["a", "b"]})
        assert sorted(deleted.json()["deleted_keys"]) == sorted([first["token"], second["token"]])


async def test_the_list_is_paged_sorted_and_filtered(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        tokens = [(await gateway.made(key_alias=f"k{n}"))["token"] for n in range(5)]
        page = (await gateway.send("GET", "/key/list?page=2&size=2&sort_by=key_alias&sort_order=asc")).json()
        assert page == {"keys": tokens[2:4], "total_count": 5, "current_page": 2, "total_pages": 3}
        newest_first = (await gateway.send("GET", "/key/list?include_team_keys=true")).json()
        assert newest_first["keys"] == tokens[::-1]
        for name in (tokens[3], "k3"):
            assert (await gateway.send("GET", f"/key/list?key_hash={name}")).json()["keys"] == [tokens[3]]
        one = (await gateway.send("GET", "/key/list?key_alias=k3&return_full_object=true")).json()
        assert [(key["token"], key["key_alias"]) for key in one["keys"]] == [(tokens[3], "k3")]
        wrong = ("sort_by=digest", "page=0", "page=x", "size=101", "size=1e3", "team_id=x", "page=1;drop")
        for query in (*wrong, "sort_order=down", "return_full_object=maybe"):
            assert (await gateway.send("GET", f"/key/list?{query}")).status == 422, query
        assert (await gateway.send("GET", "/key/list?page=1&page=2")).status == 400


async def test_the_spend_is_reset_to_at_most_what_it_is(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made()
        await database.run(
            lambda connection: count_spend(connection, [record(key_id=made["token"], cost_nanousd=2_500_000_000)], 1.0)
        )
        path = f"/key/{made['token']}/reset_spend"
        assert (await gateway.send("POST", path, {"reset_to": 2.6})).status == 422
        assert (await gateway.send("POST", path, {})).status == 422
        reset = (await gateway.send("POST", path, {"reset_to": 0.5})).json()
        assert (reset["previous_spend"], reset["spend"]) == (2.5, 0.5)


async def test_a_period_that_passed_without_a_request_is_told_as_a_new_one(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made(budget_duration="30d", max_budget=5)
        token, passed = made["token"], datetime(2026, 1, 1, tzinfo=UTC).timestamp()
        aged = "UPDATE keys SET spend_nanousd = 4000000000, budget_resets_at = :passed RETURNING id"
        await rows(database, aged, passed=passed)
        told = (await gateway.send("GET", f"/key/info?key={token}")).json()["info"]
        assert (told["spend"], told["budget_reset_at"]) == (0.0, made["budget_reset_at"])
        [listed] = (await gateway.send("GET", "/key/list?return_full_object=true")).json()["keys"]
        assert (listed["spend"], listed["budget_reset_at"]) == (0.0, made["budget_reset_at"])
        assert (await gateway.send("POST", f"/key/{token}/reset_spend", {"reset_to": 1})).status == 422
        changed = (await gateway.send("POST", "/key/update", {"key": token, "rpm_limit": 9})).json()
        assert (changed["spend"], changed["budget_reset_at"]) == (0.0, made["budget_reset_at"])
        assert await rows(database, f"SELECT spend_nanousd FROM keys WHERE id = '{token}'") == [(0,)]


async def test_after_a_reset_of_the_spend_nothing_of_before_is_added(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made()
        late = record(id=Ulids().next(), key_id=made["token"], cost_nanousd=10**9)
        await asyncio.sleep(0.002)  # ids know milliseconds
        assert (await gateway.send("POST", f"/key/{made['token']}/reset_spend", {"reset_to": 0})).status == 200
        await asyncio.sleep(0.002)
        after = record(id=Ulids().next(), key_id=made["token"], cost_nanousd=2 * 10**9)
        await asyncio.to_thread(EntryStore(database).fold, [late, after])
        told = (await gateway.send("GET", f"/key/info?key={made['token']}")).json()["info"]
        assert told["spend"] == 2.0


async def test_an_estimate_of_answers_is_set_shown_and_taken_away_each_by_itself(
    database: Database, tmp_path: Path
) -> None:
    one, each = "default_estimated_output_tokens", "default_estimated_output_tokens_per_model"
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made(**{one: 2048, each: {"fast": 100}})
        assert "warnings" not in made

        async def updated(**body: Any) -> tuple[Any, Any]:
            told = (await gateway.send("POST", "/key/update", {"key": made["token"], **body})).json()
            shown = (await gateway.send("GET", f"/key/info?key={made['token']}")).json()["info"]
            assert (shown[one], shown[each]) == (told[one], told[each])
            return told[one], told[each]

        assert await updated(metadata={}) == (2048, {"fast": 100})
        assert await updated(**{one: None}) == (None, {"fast": 100})
        assert await updated(**{one: 7, each: {}}) == (7, {})
        assert await updated(**{each: {"slow": 9}}) == (7, {"slow": 9})
        assert await updated(**{each: None}) == (7, {})


async def test_what_would_restrict_and_is_not_built_is_refused_by_name(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made()
        for name in sorted(RESTRICTING):
            for path, body in (("/key/generate", {}), ("/key/update", {"key": made["token"]})):
                answered = await gateway.send("POST", path, {**body, name: ["x"]})
                error = answered.json()["error"]
                assert (answered.status, error["param"], error["code"]) == (422, name, "unsupported_field")
        assert (await gateway.send("GET", "/key/list")).json()["total_count"] == 1


async def test_what_is_promised_in_vain_is_a_warning_by_name(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made(**dict.fromkeys(PROMISING, "x"))
        assert sorted(warning.split(":")[0] for warning in made["warnings"]) == sorted(PROMISING)


async def test_where_what_there_is_cannot_be_read_no_key_is_made_or_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(store: McpServerStore) -> Any:
        raise StoreUnavailable("The database is away.")

    async with accounted(configuration(entry("m", 1)), tmp_path) as gateway:
        made = await gateway.made(models=["m"])
        with monkeypatch.context() as failing:
            failing.setattr(McpServerStore, "list", away)
            for path, body in (
                ("/key/generate", {"models": ["m"], "key_alias": "lost"}),
                ("/key/regenerate", {"key": made["key"], "models": ["m"]}),
                ("/key/update", {"key": made["token"], "models": ["m", "other"]}),
            ):
                assert (await gateway.send("POST", path, body)).status == 503, path
        info = await gateway.send("GET", "/key/info", key=made["key"])
        assert (info.status, info.json()["info"]["models"]) == (200, ["m"])
        assert (await gateway.made(models=["m"], key_alias="lost"))["key"]


async def test_a_form_with_empty_fields_says_nothing_by_them(database: Database, tmp_path: Path) -> None:
    """As LiteLLM's own clients and its UI send it."""
    async with managing(database, tmp_path) as gateway:
        empty: list[Any] = [None, [], {}, "", False, 0]
        fields = {name: empty[n % len(empty)] for n, name in enumerate(sorted(RESTRICTING | set(PROMISING)))}
        made = await gateway.made(**fields, spend=0, key_type="default", models=[], max_budget="", key=None)
        assert "warnings" not in made
        assert (await gateway.made(key_type="llm_api"))["key"]


@pytest.mark.parametrize(
    "field", ["role", "team", "id", "token", "created_by", "minted_by", "digest", "spend", "admin"]
)
async def test_s11_nothing_is_slipped_into_a_key(database: Database, tmp_path: Path, field: str) -> None:
    async with managing(database, tmp_path) as gateway:
        made = await gateway.made()
        for path in ("/key/update", "/key/regenerate"):
            answered = await gateway.send("POST", path, {"key": made["token"], field: 1})
            assert (answered.status, answered.json()["error"]["param"]) == (422, field)
        generated = await gateway.send("POST", "/key/generate", {field: 1})
        assert (generated.status, generated.json()["error"]["param"]) == (422, field)
        same = (await gateway.send("GET", f"/key/info?key={made['token']}")).json()["info"]
        assert same == {name: value for name, value in made.items() if name not in ("key", "token_id")}


WRONG: list[tuple[str, Any]] = [
    ("key_alias", 7),
    ("key_alias", "a\nb"),
    ("key_alias", "\x00"),
    ("key_alias", "x" * 257),
    ("duration", "soon"),
    ("duration", 30),
    ("budget_duration", "1y"),
    ("models", "demo/hello"),
    ("models", [""]),
    ("models", [1]),
    ("models", ["all-team-models"]),
    ("aliases", ["a"]),
    ("aliases", {"a": 1}),
    ("max_budget", "10"),
    ("max_budget", True),
    ("max_budget", -0.01),
    ("max_budget", 1e-10),
    ("max_budget", 1e10),
    ("rpm_limit", -1),
    ("rpm_limit", 1.5),
    ("rpm_limit", True),
    ("tpm_limit", "100"),
    ("tpm_limit", 2**60),
    ("max_parallel_requests", []),
    ("metadata", "x"),
    ("metadata", {"a": "x" * 20_000}),
    ("metadata", {"guardrails": ["pii"]}),  # S62
    ("metadata", {"policies": ["all"]}),
    ("metadata", {"a": json.loads("[" * 40 + "]" * 40)}),
    ("blocked", "true"),
    ("key", "sk-tb-not-made-here-not-made"),
    ("key", "short"),
    ("key", KEY),
    ("key", f" {KEY}"),
    ("key", "sk-12345678901234567890"),
    ("key", "sk-" + "a" * 40),
    ("key", "sk-changeme-please-0123"),
    ("key", "sk-tb-" + "a" * 57),
    ("key", "sk-TB-a-custom-key-\u0430\u0435"),
    ("key", "sk-with a space in it"),
    ("key", "sk-with-a-nul-\x00-in-it"),
    ("key", ["sk-of-my-own-wording"]),
    ("max_budget", 9223372037),
    ("max_budget", 10**400),
    ("key_alias", "\u202eevil"),
    ("models", ["m"] * 1_001),
    ("models", ["m" * 257]),
    ("aliases", {f"m{n}": "m" for n in range(1_001)}),
    ("budget_duration", "999999999d"),
    ("duration", "-1h"),
    ("key", 12345678901234567890),
    ("max_bugdet", 1),
    *(("default_estimated_output_tokens", wrong) for wrong in (0, -1, 1.5, True, "2048", 10**10)),
    *(
        ("default_estimated_output_tokens_per_model", wrong)
        for wrong in (7, {"fast": 0}, {"fast": "much"}, {"": 5}, {"fast": None})
    ),
]


async def test_a_value_of_the_wrong_kind_is_told_with_its_field(database: Database, tmp_path: Path) -> None:
    async with managing(database, tmp_path) as gateway:
        for field, value in WRONG:
            answered = await gateway.send("POST", "/key/generate", {field: value})
            error = answered.json()["error"]
            assert (answered.status, error["param"]) == (422, field), (field, value)
            assert not isinstance(value, str) or len(value) < 6 or value not in error["message"]
        near = await gateway.send("POST", "/key/generate", {"max_bugdet": 1})
        assert "Did you mean `max_budget`?" in near.json()["error"]["message"]


async def test_the_admins_own_key_is_nobody_elses(database: Database) -> None:
    """Whoever was given such a key to ask for one model would be the admin."""
    master = "sk-the-masters-own-wording-7"
    keys = Keys(KeyStore(database), PEPPER, taken=MasterKey(master).is_admins)
    made = await keys.generate({"key": master + "8"}, "master")
    for call in (keys.generate({"key": master}, "master"), keys.regenerate(made.key, {"new_key": master}, "master")):
        with pytest.raises(UnprocessableEntityError, match="gateway's own key"):
            await call
    assert not OpenDoor().is_admins(master)


BODIES = [
    b'{"rpm_limit": 1, "rpm_limit": 1000}',
    b'{"metadata": {"a": 1, "a": 2}}',
    b'{"max_budget": NaN}',
    b'{"key_alias": "\\ud800"}',
    b"[]",
    b'"x"',
    b"null",
    b"{",
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b'{"a":' * 50_000,
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
async def test_s54_a_body_that_could_be_read_in_two_ways_is_refused(tmp_path: Path, body: bytes) -> None:
    database = Database.open(fresh_sqlite(tmp_path / "a.db"))
    async with managing(database, tmp_path) as gateway:
        assert (await gateway.send("POST", "/key/generate", body)).status == 400
    database.close()


async def test_s53_a_body_is_no_larger_than_a_key_needs(tmp_path: Path) -> None:
    database = Database.open(fresh_sqlite(tmp_path / "a.db"))
    async with managing(database, tmp_path) as gateway, connected(gateway.listener) as raw:
        lines = ("POST /key/generate HTTP/1.1", "host: x", f"authorization: Bearer {KEY}", "content-length: 1048577")
        await raw.send("\r\n".join((*lines, "", "")).encode())
        assert (await raw.answer()).status == 413
    database.close()


async def test_each_change_is_told_in_the_audit_and_no_secret_with_it(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with managing(database, tmp_path) as gateway:
            made = await gateway.made(key_alias="ab", metadata={"password": "hush-hush"})
            token = made["token"]
            await gateway.send("POST", "/key/update", {"key": token, "rpm_limit": 5})
            await gateway.send("POST", "/key/block", {"key": token})
            await gateway.send("POST", "/key/unblock", {"key": token})
            again = (await gateway.send("POST", "/key/regenerate", {"key": token})).json()
            await gateway.send("POST", "/key/delete", {"keys": [again["key"]]})
            await gateway.send("POST", "/key/block", {"key": made["key"]})
    lines = [json.loads(record.message) for record in caplog.records if record.name == "tollbridge.audit"]
    assert [(line["action"], line["by"], line["key"]) for line in lines] == [
        (f"key.{action}", "master", token)
        for action in ("generate", "update", "block", "unblock", "regenerate", "delete")
    ]
    assert lines[1]["said"] == {"rpm": 5}
    everything = caplog.text + repr([record.__dict__ for record in caplog.records])
    for secret in (made["key"], made["key"][14:57], again["key"][14:57], "hush-hush", KEY):
        assert secret not in everything


async def _refusals(gateway: Managed, key: str | None, token: str) -> dict[str, int]:
    """Each management route's answer to this key."""
    asked = {
        "/key/generate": {},
        "/key/update": {"key": token, "rpm_limit": 1000},
        "/key/delete": {"keys": [token]},
        "/key/block": {"key": token},
        "/key/unblock": {"key": token},
        "/key/regenerate": {"key": token},
        f"/key/{token}/regenerate": {},
        f"/key/{token}/reset_spend": {"reset_to": 0},
    }
    found = {path: (await gateway.send("POST", path, body, key=key)).status for path, body in asked.items()}
    for path in (f"/key/info?key={token}", "/key/list"):
        found[path] = (await gateway.send("GET", path, key=key)).status
    return found


async def test_s10_s12_a_key_changes_nothing_and_sees_itself_alone(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its own rights cannot be widened, nor can it make a key: there is nothing to intersect."""
    with caplog.at_level(logging.INFO):
        async with managing(database, tmp_path) as gateway:
            mine, other = await gateway.made(key_alias="mine"), await gateway.made(key_alias="other")
            for target in (mine, other):
                statuses = await _refusals(gateway, mine["key"], target["token"])
                looks = {path: statuses.pop(path) for path in (f"/key/info?key={target['token']}", "/key/list")}
                assert set(statuses.values()) == {403}
                assert list(looks.values()) == [200 if target is mine else 404, 200]
            own = (await gateway.send("GET", "/key/info", key=mine["key"])).json()
            assert own["info"]["key_alias"] == "mine"
            for query in ("", "?key_alias=other", f"?key_hash={other['token']}", "?sort_by=spend&size=100"):
                listed = (await gateway.send("GET", f"/key/list{query}", key=mine["key"])).json()
                assert other["token"] not in listed["keys"]
            unknown = await gateway.send("GET", "/key/info?key=nobodyxx", key=mine["key"])
            for name in (other["token"], "other"):
                theirs = await gateway.send("GET", f"/key/info?key={name}", key=mine["key"])
                assert unknown.body.decode().replace("nobodyxx", name) == theirs.body.decode()
            full = (await gateway.send("GET", "/key/list?return_full_object=true")).json()
            assert [(key["rpm_limit"], key["blocked"]) for key in full["keys"]] == [(None, False)] * 2
    refused = [json.loads(r.message) for r in caplog.records if r.name == "tollbridge.audit" and "refused" in r.message]
    assert {(line["by"], line["route"]) for line in refused} >= {(mine["token"], "/key/generate")}


async def test_s01_no_route_of_keys_answers_to_no_key_a_wrong_or_a_revoked_one(
    database: Database, tmp_path: Path
) -> None:
    async with managing(database, tmp_path) as gateway:
        target, blocked, gone, expired = [await gateway.made() for _ in range(4)]
        await gateway.send("POST", "/key/block", {"key": blocked["token"]})
        await gateway.send("POST", "/key/delete", {"keys": [gone["token"]]})
        await gateway.send("POST", "/key/update", {"key": expired["token"], "duration": "1s"})
        await gateway.keys.store.update(expired["token"], lambda key: msgspec.structs.replace(key, expires_at=1.0))
        gateway.ring.forget(expired["token"])
        for key in (None, "sk-wrong-0123456789", blocked["key"], gone["key"], expired["key"], target["key"][:-1]):
            assert set((await _refusals(gateway, key, target["token"])).values()) == {401}
        for path in ("/key/generate", "/key/delete"):
            for method in ("GET", "PUT", "DELETE", "HEAD"):
                assert (await gateway.send(method, path)).status == 405


async def test_a_key_sees_the_models_that_it_may_ask_for(tmp_path: Path) -> None:
    """S64: the list, the single look and the near names of an error tell of no other."""
    database = Database.open(fresh_sqlite(tmp_path / "a.db"))
    async with managing(database, tmp_path) as gateway:
        for models, listed, hidden in (
            ([], ["demo/*"], "nothing/there"),
            (["demo/*"], ["demo/*"], "nothing/there"),
            (["demo/hello", "gone/away"], ["demo/hello"], "demo/long"),
            (["no-default-models"], [], "demo/hello"),
        ):
            made = await gateway.made(models=models, aliases={"mine": "demo/hello"})
            answered = await gateway.send("GET", "/v1/models", key=made["key"])
            assert [model["id"] for model in answered.json()["data"]] == listed
            refused = await gateway.send("GET", f"/v1/models/{hidden}", key=made["key"])
            assert refused.status == 404
            assert "demo" not in refused.json()["error"]["message"].replace(hidden, "") or "demo" in str(listed)
            own = await gateway.send("GET", "/v1/models/mine", key=made["key"])
            assert own.status == (200 if listed else 404)
    database.close()


async def test_where_keys_are_made_by_the_gateway_alone_nobody_says_their_text(tmp_path: Path) -> None:
    text = configuration(entry("m", 9), general={"disable_custom_api_keys": True})
    async with accounted(text, tmp_path) as gateway:
        own = await gateway.send("POST", "/key/generate", {"key": "sk-mine-0123456789-abcdef"})
        made = await gateway.made()
        again = await gateway.send(
            "POST", "/key/regenerate", {"key": made["token_id"], "new_key": "sk-mine-0123456789-abcdef"}
        )
    assert (own.status, again.status) == (422, 422)
    assert "disable_custom_api_keys" in own.json()["error"]["message"]
