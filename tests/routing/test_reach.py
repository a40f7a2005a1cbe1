from typing import Any

import pytest

from tollbridge.errors import NotFoundError
from tollbridge.routing.board import Fallbacks, Routes
from tollbridge.routing.groups import Group, Groups, Wildcard
from tollbridge.routing.health import Health, Rules
from tollbridge.routing.reach import may_answer


def no_such(name: str, matched: str) -> list[Any]:
    raise NotFoundError(f"there is no {name}")


def routes(**tables: Any) -> Routes:
    named: list[Group[Any]] = [Group(name, name, (f"{name}-1", f"{name}-2")) for name in "abcd"]
    groups: Groups[Any] = Groups(named, [Wildcard("x/*", no_such)], {"alias": "a"})
    return Routes(groups, Fallbacks(**tables), Health(Rules()))


def test_without_fallbacks_only_the_group_itself_may_answer():
    assert may_answer(routes(), "a") == ("a-1", "a-2")
    assert may_answer(routes(), "alias") == ("a-1", "a-2")
    assert may_answer(routes(general={"a": ["b"]}), "a", ()) == ("a-1", "a-2")


def test_fallbacks_of_any_error_and_of_fallbacks_may_answer():
    found = may_answer(routes(general={"a": ["b"]}, context_window={"b": ["c"]}, content_policy={"c": ["a"]}), "a")
    assert list(found) == ["a-1", "a-2", "b-1", "b-2", "c-1", "c-2"]
    assert list(may_answer(routes(default=["d"]), "a")) == ["a-1", "a-2", "d-1", "d-2"]
    assert list(may_answer(routes(general={"*": ["d"]}), "a")) == ["a-1", "a-2", "d-1", "d-2"]


def test_a_clients_fallbacks_stand_instead_of_the_operators():
    assert list(may_answer(routes(general={"a": ["b"]}), "a", ("d", "nobody"))) == ["a-1", "a-2", "d-1", "d-2"]


def test_a_fallback_that_cannot_be_made_cannot_answer():
    assert list(may_answer(routes(), "a", ("x/y", "b"))) == ["a-1", "a-2", "b-1", "b-2"]
    with pytest.raises(NotFoundError):
        may_answer(routes(), "x/y", ("b",))
