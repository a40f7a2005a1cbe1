"""Ids of what a provider keeps: the same each time, and one tenant's alone (S61)."""

from __future__ import annotations

import pytest

from tollbridge.files.ids import Ids, Meant, is_ours, replaced

IDS = Ids(bytes(range(32)))
MEANT = Meant("account", "key1", "file-abc")
ID = IDS.close(MEANT)


@pytest.mark.parametrize(
    ("theirs", "begins"),
    [
        ("file-abc", "file-tb1."),
        ("file_011C", "file_tb1."),
        ("batch_1", "batch_tb1."),
        ("msgbatch_1", "msgbatch_tb1."),
        ("other:7", "file-tb1."),
    ],
)
def test_an_id_opens_to_what_it_stands_for(theirs: str, begins: str) -> None:
    meant = Meant("account", "key1", theirs)
    id = IDS.close(meant)
    assert id.startswith(begins)
    assert IDS.open(id, "key1") == meant
    assert IDS.close(meant) == id, "the same each time"
    assert is_ours(id)
    assert theirs not in id


def test_it_is_one_tenants_alone_and_one_keys() -> None:
    assert IDS.open(ID, "key2") is None
    assert IDS.open(ID, "") is None
    assert Ids(b"x" * 32).open(ID, "key1") is None


def test_whatever_is_changed_in_it_it_opens_no_more() -> None:
    for at in range(len("file-tb1."), len(ID)):
        assert IDS.open(ID[:at] + ("A" if ID[at] != "A" else "B") + ID[at + 1 :], "key1") is None
    for other in (ID[:-1], ID + "A", ID.replace("file-", "batch_") + "=", "file-abc", "", "file-tb1." + "A" * 80):
        assert IDS.open(other, "key1") is None


def test_in_a_body_they_are_replaced_where_they_are_strings_of_their_own() -> None:
    body = b'{"a": "%b", "b": "see %b", "c": ["%b"]}' % ((ID.encode(),) * 3)
    expected = b'{"a": "file-abc", "b": "see %b", "c": ["file-abc"]}' % ID.encode()

    def theirs(id: str) -> str:
        meant = IDS.open(id, "key1")
        assert meant is not None
        return meant.theirs

    assert replaced(body, theirs) == expected
