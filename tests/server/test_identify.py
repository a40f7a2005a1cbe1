import pytest

from tollbridge.errors import AuthenticationError, BadRequestError
from tollbridge.home import new_key
from tollbridge.server.identify import MasterKey, OpenDoor, presented_key

KEY = "sk-tb-0123456789abcdef"
door = MasterKey(KEY)


@pytest.mark.parametrize(
    "headers",
    [
        {b"authorization": b"Bearer " + KEY.encode()},
        {b"authorization": b"bearer " + KEY.encode()},
        {b"x-api-key": KEY.encode()},
        {b"api-key": KEY.encode()},
        {b"x-goog-api-key": KEY.encode()},
        {b"x-litellm-api-key": KEY.encode()},
        {b"x-litellm-api-key": b"Bearer " + KEY.encode()},
        {b"x-litellm-api-key": KEY.encode(), b"authorization": b"Bearer sk-of-somebody-else", b"x-api-key": b"other"},
        {b"x-api-key": KEY.encode(), b"authorization": b"Bearer " + KEY.encode()},
    ],
)
def test_the_key_is_found_wherever_clients_put_it(headers):
    assert door.authenticate(headers).admin


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"authorization": b""},
        {b"authorization": b"Bearer "},
        {b"authorization": b"Bearer ' OR 1=1--"},
        {b"authorization": b"Bearer " + KEY[:-1].encode()},
        {b"authorization": b"Bearer " + KEY.encode() + b"x"},
        {b"authorization": b"Bearer " + "sk-tb-0123456789abcdеf".encode()},
        {b"authorization": b"Bearer " + b"x" * 65536},
        {b"authorization": b"Basic " + KEY.encode()},
        {b"x-litellm-api-key": b"", b"authorization": b"Bearer " + KEY.encode()},
        {b"x-litellm-api-key": b"wrong", b"authorization": b"Bearer " + KEY.encode()},
        {b"authorization": b"Bearer eyJhbGciOiJub25lIn0.e30."},
    ],
)
def test_anything_else_is_refused(headers):
    with pytest.raises(AuthenticationError):
        door.authenticate(headers)


def test_two_different_keys_are_never_first_wins():
    with pytest.raises(BadRequestError, match="two different keys"):
        door.authenticate({b"authorization": b"Bearer " + KEY.encode(), b"x-api-key": b"sk-other"})


@pytest.mark.parametrize("name", [b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"x-company-key"])
def test_beside_our_own_header_another_key_that_was_made_here_is_no_upstream_credential(name):
    """Decision 19: one of them would be passed over in silence."""
    named, another = MasterKey(KEY, "X-Company-Key"), new_key().encode()
    with pytest.raises(BadRequestError, match="two different keys"):
        named.authenticate({b"x-litellm-api-key": KEY.encode(), name: b"Bearer " + another})
    assert named.authenticate({b"x-litellm-api-key": KEY.encode(), name: another[:-1]}).admin, "not one of ours"
    with pytest.raises(AuthenticationError):
        named.authenticate({b"x-litellm-api-key": another, name: another})


def test_the_operators_own_header_name_counts():
    named = MasterKey(KEY, "X-Company-Key")
    assert named.authenticate({b"x-company-key": KEY.encode()}).admin


def test_the_open_door_asks_nothing():
    assert OpenDoor().authenticate({}).id == "open"


def test_no_error_repeats_the_key():
    with pytest.raises(AuthenticationError) as failure:
        door.authenticate({b"authorization": b"Bearer sk-secret-of-a-user"})
    assert "sk-secret" not in str(failure.value)


def test_presented_key_of_a_bare_authorization_value():
    assert presented_key({b"authorization": KEY.encode()}) == KEY.encode()
