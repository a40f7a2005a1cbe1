"""A request leaves nothing behind that only the garbage collector could free: looking for it costs every request."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.mock_upstream import serving
from tests.server.faults import PAIR_IDS, PAIRS, ask, configuration, entry
from tests.server.served import served

REQUESTS = 40


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Garbage is left where it is until the test looks at it. What is there already is not looked at: with thousands of
    tests in one process that takes most of the time."""
    gc.disable()
    gc.collect()
    gc.freeze()
    yield
    gc.enable()


def of_ours() -> Counter[str]:
    """Types of ours in what the collector finds. It is gone then."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    found = Counter(type(one).__qualname__ for one in gc.garbage if type(one).__module__.startswith("tollbridge"))
    gc.set_debug(0)
    gc.garbage.clear()
    gc.collect()
    return found


@pytest.mark.parametrize("fails", [False, True], ids=["answered", "refused"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_a_request_is_gone_when_it_is_over(
    tmp_path: Path, uncollected: None, path: str, wire: str, stream: bool, fails: bool
) -> None:
    script = "status=500" if fails else "events=4,size=20"
    async with serving() as mock:
        mock.provider.order("m", always=script)
        text = configuration(entry("m", mock.port, wire), router={"num_retries": 0, "disable_cooldowns": True})
        async with served(text, tmp_path) as gateway:
            await gateway.post(path, ask(stream=stream))
            of_ours()
            for _ in range(REQUESTS):
                answer = await gateway.post(path, ask(stream=stream))
                assert answer.status == (500 if fails else 200)
            left = of_ours()
    assert {name: count for name, count in left.items() if count >= REQUESTS // 2} == {}
