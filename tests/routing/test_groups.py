import pytest

from tollbridge.errors import AuthenticationError, NotFoundError
from tollbridge.routing.groups import Group, Groups, Idle, Wildcard, unknown_model


def group(name: str) -> Group[str]:
    return Group(name, name, (f"d:{name}",))


def wildcard(pattern: str) -> Wildcard[str]:
    return Wildcard(pattern, lambda name, matched: [f"{pattern} <- {name} ({matched})"])


def test_an_exact_name_wins_over_alias_and_wildcard():
    groups = Groups([group("openai/gpt"), group("other")], [wildcard("openai/*")], {"openai/gpt": "other"})
    assert groups.resolve("openai/gpt").members == ("d:openai/gpt",)


def test_an_alias_wins_over_a_wildcard():
    groups = Groups([group("a")], [wildcard("*")], {"b": "a"})
    assert groups.resolve("b").members == ("d:a",)


def test_the_longest_wildcard_wins_and_sees_what_the_star_stands_for():
    groups: Groups[str] = Groups([], [wildcard("*"), wildcard("openai/*"), wildcard("openai/gpt-*")])
    assert groups.resolve("openai/gpt-4o").members == ("openai/gpt-* <- openai/gpt-4o (4o)",)
    assert groups.resolve("openai/o3").members == ("openai/* <- openai/o3 (o3)",)
    assert groups.resolve("x").members == ("* <- x (x)",)


def test_the_label_of_a_made_group_is_the_pattern():
    groups: Groups[str] = Groups([], [wildcard("openai/*")])
    assert groups.resolve("openai/" + "x" * 50).label == "openai/*"


def test_an_unknown_name_is_told_with_near_ones():
    groups = Groups([group("gpt-4o"), group("claude")])
    with pytest.raises(NotFoundError, match="Did you mean 'gpt-4o'"):
        groups.resolve("gpt-40")


def test_the_error_does_not_carry_control_characters():
    with pytest.raises(NotFoundError) as failure:
        Groups([group("a")]).resolve("x\r\ny")
    assert "\r" not in failure.value.message


def test_made_groups_are_bounded():
    groups: Groups[str] = Groups([], [wildcard("*")])
    for n in range(1_200):
        groups.resolve(f"m{n}")
    assert len(list(groups.members())) == 1_000


def test_hidden_aliases_are_served_but_not_listed():
    groups = Groups([group("a")], [], {"b": "a", "c": "a"}, hidden=frozenset({"c"}))
    assert groups.listed() == ["a", "b"]
    assert groups.knows("c")


def no_key(name: str, matched: str) -> list[str]:
    raise AuthenticationError("a key is missing")


def test_entries_of_the_same_pattern_share_its_names():
    a, b = (Wildcard("openai/*", lambda name, matched, who=who: [f"{who} {name}"]) for who in "ab")
    groups: Groups[str] = Groups([], [a, Wildcard("openai/*", no_key), b, wildcard("*")])
    assert groups.resolve("openai/x").members == ("a openai/x", "b openai/x")


def test_a_wildcard_without_a_key_raises_so_and_is_no_fallback():
    groups: Groups[str] = Groups([], [Wildcard("openai/*", no_key)])
    assert not groups.knows("openai/x")
    with pytest.raises(AuthenticationError):
        groups.resolve("openai/x")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("m" * 513, "at most 512 bytes"),
        ("\U00020000" * 129, "at most 512 bytes"),
        ("gpt\0x", "no control characters"),
        ("gpt\x85x", "no control characters"),
    ],
)
def test_a_name_that_is_none_makes_no_group_and_says_why(name: str, why: str):
    groups: Groups[str] = Groups([], [wildcard("*")], bare=lambda name, matched: [name])
    with pytest.raises(NotFoundError, match=why) as failure:
        groups.resolve(name)
    assert failure.value.message.isprintable()
    assert list(groups.members()) == []


def test_a_name_in_any_script_makes_a_group():
    groups: Groups[str] = Groups([], [wildcard("*")])
    assert groups.resolve("modèle 模型").name == "modèle 模型"


def test_a_deployment_is_found_by_its_id_after_groups_and_aliases_and_before_wildcards():
    ids = {id: Group(id, "a", (f"d:{id}",), "a") for id in ("one", "b", "nick", "openai/x")}
    groups = Groups([group("a"), group("b")], [wildcard("openai/*")], {"nick": "a", "mine": "one"}, ids=ids)
    assert groups.resolve("one").members == ("d:one",)
    assert groups.resolve("openai/x").members == ("d:openai/x",)
    assert groups.resolve("mine").members == ("d:one",)
    assert groups.resolve("b").members == ("d:b",)
    assert groups.resolve("b").right == "b"
    assert groups.resolve("nick").right == "a"
    assert (groups.resolve("one").right, groups.resolve("one").label) == ("a", "a")
    assert groups.listed() == ["a", "b", "nick", "mine", "openai/*"]


def test_of_many_names_some_are_told_and_patterns_among_them():
    groups = Groups([group(f"m{at}") for at in range(9)], [wildcard("demo/*")])
    with pytest.raises(NotFoundError) as failure:
        groups.resolve("nothing-like-it")
    assert failure.value.message.endswith("Known here: m0, m1, m2, m3, m4, m5, m6, demo/* and 2 more.")


def test_who_is_refused_by_a_list_is_not_told_that_there_is_no_model():
    assert "No model is configured" in unknown_model("m", []).message
    assert unknown_model("m", [], others=True).message == (
        "The model 'm' does not exist here. Nothing else that this key may ask for is served here."
    )


def test_a_pattern_serves_while_one_of_its_entries_does():
    idle = [Idle(id="a", model="openai/*", why="no key")]
    both: Groups[str] = Groups([], [wildcard("openai/*"), wildcard("openai/*")], idle={"openai/*": idle})
    one: Groups[str] = Groups([], [wildcard("openai/*")], idle={"openai/*": idle})
    assert (both.serves("openai/*"), one.serves("openai/*")) == (True, False)
    assert both.idle("openai/x") == both.idle("openai/*") == idle
    assert both.listed() == ["openai/*"]
