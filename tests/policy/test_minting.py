"""What a key looks like, and what is kept of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollbridge.policy.minting import adopt, could_be_custom, digest_of, like_an_id, mint, public_id, shown

PEPPER = bytes(range(32))


def test_a_minted_key_is_known_by_its_form_and_kept_as_a_digest() -> None:
    minted = mint(PEPPER)
    text = minted.text.reveal()
    assert public_id(text.encode()) == minted.id == text[6:14]
    assert minted.digest == digest_of(PEPPER, text.encode()) != digest_of(bytes(32), text.encode())
    assert minted.name == f"sk-...{text[-4:]}" == shown(text)
    assert text not in repr(minted)
    assert not could_be_custom(text.encode())


def test_no_two_are_alike_and_a_successor_has_the_same_id() -> None:
    minted = [mint(PEPPER) for _ in range(100)]
    assert len({one.text.reveal() for one in minted}) == len({one.id for one in minted}) == 100
    successor = mint(PEPPER, minted[0].id)
    assert successor.id == minted[0].id
    assert successor.digest != minted[0].digest
    assert public_id(successor.text.reveal().encode()) == successor.id


@given(st.integers(0, 62), st.integers(0, 255))
def test_a_letter_that_was_changed_is_seen_without_the_store(place: int, byte: int) -> None:
    text = b"sk-tb-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
    good = bytearray(mint(PEPPER).text.reveal().encode())
    assert len(text) <= len(good) == 63
    if good[place] == byte:
        return
    good[place] = byte
    assert public_id(bytes(good)) is None


@pytest.mark.parametrize(
    "presented", [b"", b"sk-tb-", b"sk-tb-" + b"a" * 57, b"sk-tb-" + b"\x00" * 57, b"sk-1234", b"a" * 63, b"\xff" * 63]
)
def test_what_has_not_our_form_has_no_id(presented: bytes) -> None:
    assert public_id(presented) is None


def test_a_key_of_the_operators_wording_is_known_by_its_digest() -> None:
    adopted = adopt(PEPPER, "sk-my-own-team-key-2026")
    assert adopted.id == adopted.digest.hex()
    assert could_be_custom(b"sk-my-own-team-key-2026")


@pytest.mark.parametrize(
    "text",
    [
        *("", "sk-", "sk-short", "my-own-team-key-2026", "sk-tb-my-own-team-key", "sk-" + "a" * 254),
        *("sk-with a space in it", "sk-with-ümläut-in-it", "sk-with-newline\n-in-it", "sk-nul\0nul\0nul\0nul"),
    ],
)
def test_what_is_no_key_is_not_adopted_nor_repeated(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        adopt(PEPPER, text)
    assert not text or text == "sk-" or text not in str(caught.value)
    assert not could_be_custom(text.encode())


def test_each_id_looks_like_one_and_no_name_for_people_does() -> None:
    for _ in range(200):
        assert like_an_id(mint(PEPPER).id)
    assert like_an_id(adopt(PEPPER, "sk-my-own-team-key-2026").id)
    for name in ("frontend", "Research", "TEAM0001", "team0001", "12345678", "Team-2026", "Team20267", "a" * 63):
        assert not like_an_id(name), name
