"""Dollars in JSON and nano-dollars inside are the same sum."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollbridge.model.money import read_dollars, round_dollars, show_dollars, spell_dollars, write_dollars


@given(st.integers(0, 10**15))
def test_a_sum_comes_back_through_json(nanousd: int) -> None:
    """Up to a million dollars, to the nano-dollar."""
    assert read_dollars(json.loads(json.dumps(write_dollars(nanousd)))) == nanousd


@pytest.mark.parametrize(
    ("dollars", "nanousd"),
    [(0, 0), (0.1, 100_000_000), (10, 10**10), (1e-9, 1), (0.000000123, 123), (123456.123456789, 123456123456789)],
)
def test_dollars_are_read_as_they_are_written(dollars: float, nanousd: int) -> None:
    assert read_dollars(dollars) == nanousd


@pytest.mark.parametrize("dollars", [-0.01, -1e-9, 1e-10, 0.1234567891, 1e10, 9223372037, 1e300])
def test_a_sum_that_cannot_be_counted_is_refused(dollars: float) -> None:
    with pytest.raises(ValueError):
        read_dollars(dollars)


def test_a_sum_that_is_unknown_stays_unknown() -> None:
    assert (write_dollars(None), write_dollars(0)) == (None, 0.0)


@pytest.mark.parametrize(
    ("nanousd", "spelled", "shown"),
    [
        (0, "0.0", "$0.00"),
        (1, "0.000000001", "$0.000000001"),
        (3_100_000, "0.0031", "$0.0031"),
        (2_500_000_000, "2.5", "$2.50"),
        (12 * 10**9, "12.0", "$12.00"),
        (12_345_678_901, "12.345678901", "$12.345678901"),
        (-1_500_000_000, "-1.5", "-$1.50"),
    ],
)
def test_sums_are_spelled_exactly_and_no_longer_than_needed(nanousd: int, spelled: str, shown: str) -> None:
    assert (spell_dollars(nanousd), show_dollars(nanousd)) == (spelled, shown)


@pytest.mark.parametrize(
    ("nanousd", "shown"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (113_008, "$0.000113"),
        (999_950_000, "$1.00"),
        (3_100_000, "$0.0031"),
        (1_250_000_001, "$1.25"),
        (12_345_678_901, "$12.35"),
        (-12_345_678_901, "-$12.35"),
    ],
)
def test_for_people_dollars_have_the_digits_that_count(nanousd: int, shown: str) -> None:
    assert round_dollars(nanousd) == shown
