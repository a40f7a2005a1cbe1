from hypothesis import given
from hypothesis import strategies as st

from tollbridge.calls.headers import lines, pairs

NAMES = st.text("abcxyz-_", min_size=1).map(str.encode)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126)).map(str.encode)
PAIRS = st.lists(st.tuples(NAMES, VALUES))


@given(PAIRS, PAIRS, PAIRS)
def test_lines_say_what_the_pairs_said_in_their_order(first, second, third):
    assert list(pairs([*first, lines(second), *third])) == first + second + third


def test_a_value_may_look_like_a_header():
    assert list(pairs([lines([(b"a", b"b: c"), (b"d", b"")])])) == [(b"a", b"b: c"), (b"d", b"")]
