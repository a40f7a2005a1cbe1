"""Which models a key may ask for (S64: the list holds whatever name leads to a model)."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollbridge.policy.access import Access
from tollbridge.routing.groups import Group


@pytest.mark.parametrize(
    ("models", "group", "allowed"),
    [
        ([], "anything", True),
        (["all-proxy-models"], "anything", True),
        (["fast", "*"], "anything", True),
        (["no-default-models"], "anything", False),
        (["no-default-models", "fast"], "fast", False),
        (["no-default-models", "*"], "fast", False),
        (["fast"], "fast", True),
        (["fast"], "Fast", False),
        (["fast"], "fast ", False),
        (["fast"], "faster", False),
        (["openai/*"], "openai/gpt-4o", True),
        (["openai/*"], "openai/", True),
        (["openai/*"], "openai", False),
        (["openai/*"], "azure/openai/gpt-4o", False),
        (["openai/*"], "OpenAI/gpt-4o", False),
        (["openai/gpt-*"], "openai/o3", False),
        (["*-mini"], "openai/gpt-4o-mini", True),
        (["*-mini"], "-min", False),
        (["bedrock/*.anthropic.*"], "bedrock/eu.anthropic.claude", True),
        (["bedrock/*.anthropic.*"], "bedrock/anthropic.claude", False),
        (["a*a"], "a", False),
        (["a*a"], "aa", True),
        (["a**b"], "ab", True),
        (["ab*bc*cd"], "abcd", False),
        (["[a-z]*"], "fast", False),
        (["fas?"], "fast", False),
        ([""], "fast", False),
    ],
)
def test_a_list_says_which_groups(models: list[str], group: str, allowed: bool) -> None:
    assert Access(models).allows(group) is allowed
    assert Access(models).allows(group, group) is allowed


def test_an_alias_of_the_configuration_may_stand_in_the_list_and_lends_nothing_else() -> None:
    access = Access(["cheap"])
    assert access.allows("gpt-4o-mini", "cheap")
    assert not access.allows("gpt-4o", "expensive")
    assert not access.allows("gpt-4o"), "a fallback is asked by nobody"


def test_what_is_asked_is_not_covered_by_a_pattern_when_the_group_is_not() -> None:
    """An alias `openai/cheap` of the configuration that leads to another provider's group."""
    assert not Access(["openai/*"]).allows("anthropic/claude", "openai/cheap")


@pytest.mark.parametrize(
    ("models", "label", "name", "allowed"),
    [
        (["openai/*"], "openai/*", "openai/gpt-4o", True),
        (["openai/gpt-*"], "openai/*", "openai/gpt-4o", True),
        (["openai/gpt-*"], "openai/*", "openai/o3", False),
        (["openai/gpt-4o"], "openai/*", "openai/gpt-4o", True),
        (["openai/gpt-4o"], "openai/*", "openai/gpt-4o-mini", False),
        (["openai/*"], "*", "openai/gpt-4o", True),
        (["openai/*"], "*", "anthropic/claude", False),
        (["openai/*"], "anthropic/*", "openai/cheap", False),
        (["gpt-*"], "*", "gpt-4.1", True),
    ],
)
def test_of_a_pattern_group_it_is_the_name_that_must_be_allowed(
    models: list[str], label: str, name: str, allowed: bool
) -> None:
    assert Access(models).allows(label, name) is allowed


def test_a_keys_own_alias_names_another_model_in_one_step_and_allows_nothing() -> None:
    access = Access(["fast"], {"gpt-4": "fast", "fast": "slow", "best": "opus"})
    assert (access.named("gpt-4"), access.named("fast"), access.named("other")) == ("fast", "slow", "other")
    assert not access.allows("opus", access.named("best"))


def test_a_refusal_tells_of_the_keys_list_and_of_nothing_else() -> None:
    error = Access([f"m{n}" for n in range(20)]).refusal("x\x1b[31m\r\n")
    assert error.status_code == 403
    assert str(error) == "This key may not ask for this model. It may ask for: m0, m1, m2, m3, m4, m5, m6, m7, ...."
    assert len(str(Access(["a"]).refusal("x" * 10_000))) < 400


NAMES = st.text("ab/-.*", max_size=12)


@given(st.lists(NAMES, min_size=1, max_size=4), st.text("ab/-.", max_size=12))
def test_it_agrees_with_the_shells_patterns(models: list[str], group: str) -> None:
    expected = any(fnmatch.fnmatchcase(group, model) for model in models)
    assert Access(models).allows(group) is expected


@given(st.lists(NAMES, max_size=4), NAMES, NAMES)
def test_more_in_the_list_never_allows_less(models: list[str], more: str, group: str) -> None:
    if models and Access(models).allows(group):
        assert Access([*models, more]).allows(group)


@given(st.lists(NAMES, min_size=1, max_size=4), NAMES, NAMES)
def test_what_is_asked_counts_only_where_it_stands_in_the_list(models: list[str], group: str, asked: str) -> None:
    access = Access(models)
    if access.allows(group, asked) and not access.allows(group):
        assert asked in models or (fnmatch.fnmatchcase(asked, group) and access.allows(asked))


def test_a_hostile_pattern_costs_as_much_as_it_is_long() -> None:
    """S57: a backtracking matcher would take years."""

    def took(access: Access, name: str) -> float:
        began = time.perf_counter()
        assert not access.allows(name)
        return time.perf_counter() - began

    def best(of: Callable[[], float]) -> float:
        return min(of() for _ in range(5))

    small = best(lambda: took(Access(["*a" * 100 + "b"]), "a" * 400))
    large = best(lambda: took(Access(["*a" * 1000 + "b"]), "a" * 4000))
    assert large < 100 * small + 0.01


def test_an_access_group_stands_for_its_models() -> None:
    groups = {"beta": ("fast", "openai/*"), "none": ()}
    access = Access(["beta"], groups=groups)
    assert access.models == ("beta",)
    assert access.allows("fast")
    assert access.allows("openai/gpt-4o", entry="openai/*")
    assert access.allows("openai/*", "openai/o3")
    assert not access.allows("openai/gpt-4o", entry="openai/gpt-*")
    assert not access.allows("openai/gpt-4o"), "another entry's"
    assert access.reaches(Group("openai/gpt-4o", "openai/*", ()))
    assert access.reaches(Group("0123", "fast", (), within="fast"))
    assert not access.reaches(Group("openai/gpt-4o", "*", ()))
    assert not access.lists("openai/*")
    assert Access(["openai/*"], groups=groups).lists("openai/*")
    assert not access.allows("slow")
    assert not Access(["none"], groups=groups).allows("fast")
    assert not Access(["slow"], groups=groups).allows("fast")
    assert not Access(["no-default-models", "beta"], groups=groups).allows("fast")
    assert Access([], groups=groups).allows("slow")
