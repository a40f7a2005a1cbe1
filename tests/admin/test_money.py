"""Dollars in JSON and nano-dollars inside are the same sum."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollbridge.admin.money import read_dollars, write_dollars


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
