from collections import Counter
from random import Random

import msgspec

from tollbridge.routing.pick import pick, weights_of


class Stub(msgspec.Struct, frozen=True):
    name: str
    weight: float | None = None
    rpm: int | None = None
    tpm: int | None = None
    order: int | None = None


def drawn(*candidates: Stub, times: int = 4000) -> Counter[str]:
    chance = Random(7).random
    return Counter(pick(candidates, chance).name for _ in range(times))


def test_weights_share_the_traffic():
    counts = drawn(Stub("a", weight=3), Stub("b", weight=1))
    assert 2.5 < counts["a"] / counts["b"] < 3.6


def test_without_weights_all_are_equal():
    counts = drawn(Stub("a"), Stub("b"))
    assert 0.9 < counts["a"] / counts["b"] < 1.1


def test_rpm_and_tpm_stand_in_for_weights():
    assert weights_of([Stub("a", rpm=10), Stub("b", rpm=30)]) == [10.0, 30.0]
    assert weights_of([Stub("a", tpm=10), Stub("b")]) == [10.0, 0.0]


def test_the_lowest_order_comes_first():
    assert drawn(Stub("a", order=2), Stub("b", order=1), Stub("c")) == {"b": 4000}


def test_a_weight_of_zero_is_never_picked_beside_others():
    assert drawn(Stub("a", weight=0), Stub("b", weight=1)) == {"b": 4000}
