from pathlib import Path

from bench.mock_upstream import serving
from tests.server.accounted import accounted
from tests.server.faults import CHAT, ask, configuration, entry
from tollbridge.policy.access import Access
from tollbridge.server.ways import ASKED_LENGTH_MAX, WAYS_MAX, Way, Ways


def test_a_way_is_one_keys_and_one_spellings():
    ways, mine = Ways(), Access(["m"])
    way = Way("m", "m", "m")
    ways.keep(mine, b'"m"', way)
    assert ways.find((mine, b'"m"')) is way
    assert ways.find((mine, b'"\\u006d"')) is None
    assert ways.find((Access(["m"]), b'"m"')) is None


def test_ways_are_bounded():
    ways, mine = Ways(), Access()
    for n in range(3 * WAYS_MAX):
        ways.keep(mine, f"{n}", Way("m", "m", "m"))
        assert ways.find((mine, f"{n}")) is not None
    assert sum(ways.find((mine, f"{n}")) is not None for n in range(3 * WAYS_MAX)) <= WAYS_MAX


async def test_what_a_key_may_ask_for_is_as_it_was_last_said(tmp_path: Path) -> None:
    async with serving() as mock:
        models = configuration(entry("m", mock.port), entry("n", mock.port))
        async with accounted(models, tmp_path) as gateway:
            one, other = (await gateway.made(models=["m"])), (await gateway.made(models=["n"], aliases={"m": "n"}))

            async def asked(key: str) -> tuple[int, str | None]:
                answered = await gateway.send("POST", CHAT, ask(), key=key)
                return answered.status, answered.headers.get("x-litellm-model-group")

            for _ in range(2):
                assert await asked(one["key"]) == (200, "m")
                assert await asked(other["key"]) == (200, "n")
            await gateway.send("POST", "/key/update", {"key": one["token"], "models": ["n"]})
            assert (await asked(one["key"]))[0] == 403
            await gateway.send("POST", "/key/update", {"key": other["token"], "aliases": {}})
            assert (await asked(other["key"]))[0] == 403
            await gateway.send("POST", "/key/update", {"key": one["token"], "models": []})
            assert await asked(one["key"]) == (200, "m")


def test_long_names_are_not_kept():
    ways, mine = Ways(), Access()
    ways.keep(mine, "m" * (ASKED_LENGTH_MAX + 1), Way("m", "m", "m"))
    assert ways.find((mine, "m" * (ASKED_LENGTH_MAX + 1))) is None
