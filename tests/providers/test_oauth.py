"""Something that lasts for a token that does not: each exchange at a real server."""

from __future__ import annotations

import socket
import threading
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest

from tests.providers.office import Office, opened
from tollbridge.errors import APIConnectionError, AuthenticationError
from tollbridge.providers.account import fetcher
from tollbridge.providers.oauth import Exchange
from tollbridge.secret import Secret

NOW = 1_000_000.0


@pytest.fixture(scope="module")
def server() -> Iterator[Office]:
    with opened() as office:
        yield office


@pytest.fixture
def office(server: Office) -> Office:
    server.answers[:] = [(200, {"access_token": "fresh", "expires_in": 3600})]
    server.asked.clear()
    server.headers.clear()
    return server


def exchange(office: Office, **changed: Any) -> Exchange:
    said: dict[str, Any] = {
        "provider": "acme",
        "office": "Acme's office",
        "url": f"{office.url}/token",
        "form": (("grant_type", "client_credentials"), ("client_id", "me"), ("client_secret", Secret("s+/ &=é"))),
        "mend": "Look at `client_secret`.",
    }
    return Exchange(**{**said, **changed})


def test_the_form_is_sent_and_the_token_holds_as_long_as_it_is_said(office: Office) -> None:
    token = fetcher(exchange(office), lambda: NOW)()
    assert (token.text.reveal(), token.expires_at) == ("fresh", NOW + 3600)
    ((path, form, headers),) = office.asked
    assert path == "/token"
    assert form == {"grant_type": "client_credentials", "client_id": "me", "client_secret": "s+/ &=é"}
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in headers


def test_a_client_is_shown_by_basic_and_not_in_the_form(office: Office) -> None:
    one = exchange(office, form=(("grant_type", "client_credentials"),), client=("me", Secret("s3cret")))
    fetcher(one, lambda: NOW)()
    _, form, headers = office.asked[0]
    assert form == {"grant_type": "client_credentials"}
    assert b64decode(headers["authorization"].removeprefix("Basic ")) == b"me:s3cret"


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ({"expires_in": 60}, NOW + 60),
        ({"expires_in": "60"}, NOW + 60),
        ({"expires_in": 60, "expiration": 2_000_000}, 2_000_000),
        ({}, NOW + 3600),
        ({"expires_in": None}, NOW + 3600),
        ({"expires_in": "soon"}, NOW + 3600),
        ({"expires_in": -5}, NOW + 3600),
        ({"expires_in": True}, NOW + 3600),
    ],
)
def test_the_end_of_a_token_is_read_however_it_is_told(office: Office, said: dict[str, Any], ends: float) -> None:
    office.answers[:] = [(200, {"access_token": "fresh", **said})]
    assert fetcher(exchange(office), lambda: NOW)().expires_at == ends


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (
            401,
            {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."},
            "AADSTS7000215",
        ),
        (
            400,
            {"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."},
            "could not be found",
        ),
        (400, {"error": "invalid_grant"}, "invalid_grant"),
        (403, "<html>no</html>", "it answered 403"),
        (404, "", "it answered 404"),
    ],
)
def test_a_refusal_is_the_operators_to_mend_in_the_offices_words(
    office: Office, status: int, said: Any, words: str
) -> None:
    office.answers[:] = [(status, said)]
    with pytest.raises(AuthenticationError, match=words) as raised:
        fetcher(exchange(office), lambda: NOW)()
    error = raised.value
    assert (error.fault, error.retryable, error.provider, error.code) == (
        "operator",
        False,
        "acme",
        "cloud_credentials",
    )
    assert error.message.endswith("Look at `client_secret`.")
    assert "s+/" not in str(error)


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (500, {}, "answered 500"),
        (503, {"error_description": "Try later."}, "answered 503: Try later"),
        (429, {}, "answered 429"),
        (408, {}, "answered 408"),
        (200, {"token": "elsewhere"}, "without a token"),
        (200, {"access_token": ""}, "without a token"),
        (200, {"access_token": "two\nlines"}, "without a token"),
        (200, "<html>", "without a token"),
        (200, [1], "without a token"),
    ],
)
def test_what_may_pass_is_tried_again_by_whoever_comes_next(office: Office, status: int, said: Any, words: str) -> None:
    office.answers[:] = [(status, said), (200, {"access_token": "fresh"})]
    fetch = fetcher(exchange(office), lambda: NOW)
    with pytest.raises(APIConnectionError, match=words) as raised:
        fetch()
    assert raised.value.retryable
    assert fetch().text.reveal() == "fresh"


def test_an_office_that_is_not_there_may_be_asked_again(office: Office) -> None:
    with pytest.raises(APIConnectionError, match="could not be asked") as raised:
        fetcher(exchange(office, url="http://127.0.0.1:1/token"), lambda: NOW)()
    assert raised.value.retryable


@pytest.mark.parametrize("said", [b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"])
def test_what_answers_no_http_may_be_asked_again(office: Office, said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(APIConnectionError, match=r"could not be asked|without a token") as raised:
            fetcher(exchange(office, url=f"http://127.0.0.1:{port}/token"), lambda: NOW)()
        thread.join()
    assert raised.value.retryable


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_secrets_do_not_follow_a_redirect(office: Office, status: int) -> None:
    with opened() as elsewhere:
        office.answers[:] = [(status, "")]
        office.headers["location"] = f"{elsewhere.url}/token"
        with pytest.raises(APIConnectionError, match=f"answered {status}"):
            fetcher(exchange(office), lambda: NOW)()
        assert elsewhere.asked == []


def test_an_exchange_shows_no_secret_and_tells_who_one_is(office: Office) -> None:
    one = exchange(office, client=("me", Secret("s3cret")))
    assert "s3cret" not in repr(one)
    assert "s+/" not in repr(one)
    assert {secret.reveal() for secret in one.secrets} == {"s+/ &=é", "s3cret"}
    assert one.identity == exchange(office, client=("me", Secret("renewed"))).identity
    assert one.identity != exchange(office, client=("you", Secret("s3cret"))).identity
