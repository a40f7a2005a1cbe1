import pytest

from tollbridge.errors import AuthenticationError, BadRequestError, PermissionDeniedError
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


HERE = ["localhost", "LOCALHOST:4000", "127.0.0.1:4000", "127.1.2.3", "[::1]:4000", "app.localhost:80", "localhost.:1"]
ELSEWHERE = [
    *("evil.example", "evil.example:4000", "localhost.evil.example", "127.0.0.1.evil.example", "evil-localhost", "a"),
    *("192.168.1.7:4000", "[::2]", "0.0.0.0", "127.0.0.1@evil.example", "127.0.0.1:4000.evil.example", "xlocalhost"),
]


@pytest.mark.parametrize("name", HERE)
def test_the_open_door_is_open_to_this_machine(name):
    door = OpenDoor()
    assert door.authenticate({b"host": name.encode()}).admin
    assert door.authenticate({b"host": name.encode(), b"origin": f"http://{name}".encode()}).admin


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_page_of_another_site_does_not_get_through_the_open_door(name):
    """S27, S41: by a form or fetch across sites, or by a name of its own that it made lead here (DNS rebinding)."""
    door = OpenDoor()
    for headers in (
        {b"host": name.encode()},
        {b"host": b"localhost:4000", b"origin": f"http://{name}".encode()},
        {b"host": b"localhost:4000", b"origin": f"https://{name}".encode()},
        {b"host": b"localhost:4000", b"origin": b"null"},
        {b"host": b"localhost:4000", b"origin": b"file://localhost"},
        {b"host": b"localhost:4000", b"origin": b""},
    ):
        with pytest.raises(PermissionDeniedError, match="for this machine alone"):
            door.authenticate(headers)
