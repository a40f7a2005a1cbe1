import io

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger.records import ids, record
from tollbridge.ledger.lines import Damage, read_lines, write_line
from tollbridge.observe import Record, Scribe


def lines(count: int) -> tuple[list[Record], list[bytes]]:
    records = [record(user="Zoë\n\0", metadata={"a": [1, '12345678 {"event":"request"}']}) for _ in range(count)]
    return records, [write_line(Scribe().line(one)) for one in records]


def read(data: bytes, length: int | None = None) -> tuple[list[str], list[Damage]]:
    found = list(read_lines(io.BytesIO(data), length))
    return ids(one for one in found if isinstance(one, Record)), [one for one in found if isinstance(one, Damage)]


FIVE = lines(5)


def test_a_line_is_a_checksum_and_the_json_of_a_record():
    [one], [line] = lines(1)
    assert line[8:9] == b" "
    assert line.endswith(b"}\n")
    [again] = read_lines(io.BytesIO(line))
    assert isinstance(again, Record)
    assert again.ts == "2025-11-24T16:00:00.250Z"
    assert (again.user, again.metadata, again.tokens) == (one.user, one.metadata, one.tokens)


def test_a_tail_torn_at_any_byte_costs_only_the_last_line_and_is_told_exactly():
    records, written = lines(3)
    whole = b"".join(written[:2])
    for cut in range(len(written[2])):
        found, damage = read(whole + written[2][:cut])
        if cut == 0:
            assert (found, damage) == (ids(records[:2]), [])
        elif cut == len(written[2]) - 1:  # but for its end the line is whole
            assert (found, damage) == (ids(records), [])
        else:
            assert found == ids(records[:2])
            assert damage == [Damage(len(whole), cut, torn=True)]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 4), st.data())
def test_a_flipped_bit_costs_one_line_at_most_and_says_where(which: int, data: st.DataObject) -> None:
    records, written = FIVE
    at = data.draw(st.integers(0, len(written[which]) - 1))
    damaged = bytearray(written[which])
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    found, damage = read(b"".join(written[:which]) + bytes(damaged) + b"".join(written[which + 1 :]))
    assert found in (ids(records), ids(records[:which] + records[which + 1 :]))
    if found != ids(records):
        start = sum(map(len, written[:which]))
        [told] = damage
        assert start <= told.offset < start + len(written[which])
        assert told.length <= len(written[which])


def test_a_lost_border_between_two_lines_costs_neither():
    records, written = lines(3)
    data = written[0] + written[1][:-1] + b"\x0b" + written[2]
    assert read(data) == (ids(records), [])


def test_damage_over_several_lines_is_told_as_one():
    records, written = lines(4)
    rubbish = b"\xff" * 100 + b"\n" + b"\x00" * 50 + b"\n"
    found, [damage] = read(written[0] + rubbish + b"".join(written[1:]))
    assert found == ids(records)
    assert (damage.offset, damage.length, damage.torn) == (len(written[0]), len(rubbish) - 1, False)


def test_of_a_file_that_grows_only_the_given_length_is_read():
    records, written = lines(3)
    assert read(b"".join(written), len(written[0]) + len(written[1])) == (ids(records[:2]), [])


def test_empty_lines_and_an_endless_one_are_no_trouble():
    records, written = lines(2)
    found, [damage] = read(written[0] + b"\n\n\n" + b"x" * (9 * 1024 * 1024) + b"\n" + written[1])
    assert found == ids(records)
    assert damage.length > 9 * 1024 * 1024 - 10
