from tollbridge.ledger.unfolded import SINGLE_MAX, Unfolded


def test_what_was_settled_is_there_until_it_is_folded():
    unfolded = Unfolded()
    assert unfolded.settled("2", 20)
    assert unfolded.settled("1", 10)
    assert list(unfolded) == [("1", 10), ("2", 20)]
    assert unfolded.folded("1", 10)
    assert unfolded.folded("2", 20)
    assert not unfolded


def test_an_entry_that_comes_to_the_database_first_is_new_then_and_known_when_it_is_settled():
    unfolded = Unfolded()
    assert not unfolded.folded("1", 10)
    assert not unfolded.settled("1", 10)
    assert not unfolded
    unfolded.folded("2", 10)
    unfolded.all_settled()
    assert unfolded.settled("2", 10)


def test_of_very_many_the_older_are_one_sum_that_counts_as_its_latest_does():
    unfolded, many = Unfolded(), 50 * SINGLE_MAX
    ids = [f"{number:06}" for number in range(many)]
    for id in ids:
        assert unfolded.settled(id, 3)
    kept = list(unfolded)
    assert len(kept) <= SINGLE_MAX + 1
    assert sum(cost for _, cost in kept) == 3 * many
    assert kept[0][0] < kept[1][0]
    assert kept[0][1] > 3
    for id in ids:
        assert unfolded.folded(id, 3)
    assert not unfolded
    assert not unfolded.folded(f"{many:06}", 3)
