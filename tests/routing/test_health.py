from tollbridge.errors import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    OverloadedError,
    RateLimitError,
)
from tollbridge.routing.health import Health, Rules


def test_a_well_deployment_has_no_state():
    health = Health(Rules())
    assert health.all_well()
    assert health.ready("a", 0.0)


def test_failures_are_forgiven_up_to_the_allowed_number():
    health = Health(Rules(allowed_fails=3))
    assert [health.failed("a", InternalServerError("x"), float(n)) for n in range(4)] == [False, False, False, True]
    assert not health.ready("a", 4.0)


def test_failures_a_minute_apart_do_not_add_up():
    health = Health(Rules(allowed_fails=1))
    assert not any(health.failed("a", InternalServerError("x"), n * 61.0) for n in range(10))


def test_a_few_failures_among_many_answers_do_not_make_it_rest():
    health = Health(Rules(allowed_fails=3))
    for n in range(20):
        assert not health.failed("a", InternalServerError("x"), n / 10)
        health.answered("a", n / 10)
        health.answered("a", n / 10)


def test_429_rests_until_its_retry_after():
    health = Health(Rules(cooldown_s=5.0))
    health.failed("a", RateLimitError("x", retry_after_s=30.0), 100.0)
    assert health.rests_for("a", 100.0) == 30.0
    assert not health.ready("a", 129.9)
    assert health.ready("a", 130.0)


def test_a_refused_credential_rests_at_once():
    health = Health(Rules(cooldown_s=5.0))
    assert health.failed("a", AuthenticationError("x"), 0.0)
    assert health.rests_for("a", 1.0) == 4.0


def test_the_clients_own_errors_never_count():
    health = Health(Rules(allowed_fails=0))
    health.failed("a", BadRequestError("x"), 0.0)
    assert health.all_well()


def test_after_the_rest_one_request_at_a_time_is_let_through():
    health = Health(Rules(cooldown_s=5.0))
    health.failed("a", RateLimitError("x"), 0.0)
    assert health.ready("a", 5.0)
    health.started("a")
    assert not health.ready("a", 5.0)
    health.cancelled("a")
    assert health.ready("a", 5.0)


def test_a_trial_that_fails_rests_twice_as_long_and_one_that_succeeds_is_well():
    health = Health(Rules(cooldown_s=5.0))
    health.failed("a", RateLimitError("x"), 0.0)
    health.started("a")
    health.failed("a", InternalServerError("x"), 5.0)
    assert health.rests_for("a", 5.0) == 10.0
    health.started("a")
    health.answered("a", 15.0)
    assert health.all_well()


def test_what_was_under_way_before_the_rest_neither_ends_nor_lengthens_it():
    health = Health(Rules(cooldown_s=5.0, allowed_fails=1))
    health.started("a")
    health.failed("a", RateLimitError("x", retry_after_s=30.0), 0.0)
    for n in range(10):
        health.failed("a", InternalServerError("x"), 0.1 * n)
        health.answered("a", 0.1 * n)
    assert health.rests_for("a", 1.0) == 29.0


def test_failures_all_at_once_rest_no_longer_than_one():
    health = Health(Rules(cooldown_s=5.0, allowed_fails=3))
    for _ in range(20):
        health.failed("a", InternalServerError("x"), 0.0)
    assert health.rests_for("a", 0.0) == 5.0


def test_the_answers_of_long_ago_do_not_hide_an_outage():
    health = Health(Rules(allowed_fails=3))
    for n in range(60):
        health.failed("a", InternalServerError("x"), n * 50.0)
        for _ in range(100):
            health.answered("a", n * 50.0 + 1.0)
    rested = [health.failed("a", InternalServerError("x"), 3_100.0 + n / 10) for n in range(10)]
    assert any(rested)


def test_disabled_cooldowns_never_rest():
    health = Health(Rules(enabled=False))
    assert not health.failed("a", RateLimitError("x"), 0.0)
    assert health.all_well()


def test_the_number_of_states_is_bounded():
    health = Health(Rules())
    for n in range(10_050):
        health.failed(f"d{n}", RateLimitError("x"), 0.0)
    assert len(health.resting(0.0)) <= 10_000


def test_one_that_is_alone_rests_where_asking_is_in_vain_and_not_for_an_error_that_says_not_when():
    health = Health(Rules(cooldown_s=5.0, allowed_fails=0))
    for error in (RateLimitError("x"), InternalServerError("x"), OverloadedError("x")):
        assert not health.failed("a", error, 0.0, alone=True)
    assert health.all_well()
    assert health.failed("a", RateLimitError("x", retry_after_s=30.0), 0.0, alone=True)
    assert health.failed("b", AuthenticationError("x"), 0.0, alone=True)
    assert health.failed("c", APIConnectionError("x"), 0.0, alone=True)


def test_the_trial_of_one_that_is_alone_is_over_when_somebody_answers_with_an_error():
    health = Health(Rules(cooldown_s=5.0, allowed_fails=0))
    health.failed("a", APIConnectionError("x"), 0.0, alone=True)
    health.started("a")
    assert not health.failed("a", InternalServerError("x"), 6.0, alone=True)
    assert health.all_well()
