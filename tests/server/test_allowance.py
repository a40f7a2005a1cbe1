from tollbridge.ledger.book import Book
from tollbridge.policy.limits import Limiter
from tollbridge.server.allowance import Allowance


def test_it_counts_with_what_it_was_given_also_where_that_is_empty() -> None:
    limiter, book = Limiter(), Book()
    assert not limiter
    allowance = Allowance(limiter, book)
    assert allowance._limiter is limiter
    assert allowance._book is book
