"""Headers that say again what stands in the body."""

from __future__ import annotations

import pytest

from tollbridge.mcp.jsonrpc import HEADER_MISMATCH, RpcError
from tollbridge.mcp.mirrors import check_params
from tollbridge.model.json import Json

WANTS = (("Row", ("row",)),)


def differ(header: str, value: Json) -> bool:
    try:
        check_params({b"mcp-param-row": header.encode()}, {"arguments": {"row": value}}, WANTS)
    except RpcError as error:
        return error.code == HEADER_MISMATCH
    return False


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("42", 42),
        ("42.0", 42),
        ("4.2e1", 42),
        ("-0", 0),
        ("9007199254740993", 2**53 + 1),
        ("9007199254740993.0", 2**53 + 1),
        (f"{10**30 + 1}", 10**30 + 1),
        ("true", True),
        ("1", "1"),
    ],
)
def test_integers_are_the_same_by_value_and_all_else_by_its_text(header: str, value: Json) -> None:
    assert not differ(header, value)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("9007199254740992", 2**53 + 1),
        ("9007199254740993", 2**53),
        (f"{10**30 + 1}", 10**30),
        ("1e999999999999999999999", 10**30),
        ("1e400", 10**400 + 1),
        ("42.5", 42),
        *((text, 42) for text in ("", "4_2", " 42", "+42", "٤٢", "nan", "sNaN", "inf", "forty-two")),
        ("1", True),
        ("1.0", "1"),
    ],
)
def test_what_differs_in_the_last_digit_is_refused(header: str, value: Json) -> None:
    assert differ(header, value)
