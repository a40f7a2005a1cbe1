"""Tokens of Google's library, as its own code makes them: signed here, or asked for at an endpoint of ours."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from tollbridge.errors import APIConnectionError, AuthenticationError, InternalServerError
from tollbridge.providers import google_token
from tollbridge.providers.google_token import AUDIENCE, GoogleAccount, fetcher, project_in
from tollbridge.secret import Secret

PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = PRIVATE.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
SERVICE = {
    "type": "service_account",
    "project_id": "acme",
    "client_email": "robot@acme.example",
    "private_key_id": "k1",
    "private_key": PRIVATE.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode(),
    "token_uri": "http://127.0.0.1:1/never-asked",
}


class Office(BaseHTTPRequestHandler):
    """A token endpoint for the identities of workloads."""

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        known = form["subject_token"] == ["good"]
        kinds = {"issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer"}
        told = {"access_token": "ya29.fresh", "expires_in": 3600, **kinds} if known else {"error": "invalid_grant"}
        body = json.dumps(told).encode()
        self.send_response(200 if known else 400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Office)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token"
    server.shutdown()
    server.server_close()


def account(**said: Any) -> GoogleAccount:
    return GoogleAccount(Secret(json.dumps(said)))


def workload(uri: str, directory: Path, subject: str = "good") -> GoogleAccount:
    file = directory / "subject"
    file.write_text(subject)
    return account(
        type="external_account",
        audience="//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        token_url=uri,
        credential_source={"file": str(file)},
    )


def test_a_service_account_signs_its_own_token_and_asks_nobody() -> None:
    token = fetcher(account(**SERVICE))()
    claims = jwt.decode(token.text.reveal(), certs=PUBLIC, audience=AUDIENCE)
    assert (claims["iss"], claims["sub"]) == ("robot@acme.example", "robot@acme.example")
    assert token.expires_at == pytest.approx(claims["exp"], abs=2)
    assert 3000 < token.expires_at - time.time() < 4000
    assert token.text.reveal() not in repr(token)


def test_credentials_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps(SERVICE))
    jwt.decode(fetcher(GoogleAccount(Secret(str(file))))().text.reveal(), certs=PUBLIC, audience=AUDIENCE)


def test_other_credentials_are_exchanged_at_their_endpoint(endpoint: str, tmp_path: Path) -> None:
    token = fetcher(workload(endpoint, tmp_path))()
    assert token.text.reveal() == "ya29.fresh"
    assert 3000 < token.expires_at - time.time() < 4000


def test_credentials_that_are_refused_are_the_operators_to_mend(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError, match="invalid_grant") as raised:
        fetcher(workload(endpoint, tmp_path, "revoked"))()
    assert (raised.value.fault, raised.value.retryable) == ("operator", False)


def test_an_endpoint_that_does_not_answer_may_be_asked_again(tmp_path: Path) -> None:
    with pytest.raises(APIConnectionError) as raised:
        fetcher(workload("http://127.0.0.1:1/token", tmp_path))()
    assert raised.value.retryable


@pytest.mark.parametrize(
    "credentials", ["/no/such/file.json", "{", '{"type": "moon"}', '{"type": "service_account"}', '"text"']
)
def test_credentials_that_cannot_be_used_are_told(credentials: str) -> None:
    with pytest.raises(AuthenticationError, match="vertex_ai") as raised:
        fetcher(GoogleAccount(Secret(credentials)))()
    assert raised.value.code == "cloud_credentials"


def test_each_kind_of_credentials_is_loaded_by_a_loader_that_the_library_has() -> None:
    for module, loader in google_token._LOADERS.values():
        assert callable(getattr(import_module(module).Credentials, loader))
    for source, kind in (
        ({"environment_id": "aws1"}, "external_account of AWS"),
        ({"executable": {"command": "x"}}, "external_account of a program"),
        ({"file": "x"}, "external_account"),
        (None, "external_account"),
    ):
        assert google_token._external({"credential_source": source}) == kind


def test_without_the_extra_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(google_token, "import_module", absent)
    with pytest.raises(InternalServerError, match=r"tollbridge\[gcp\]"):
        fetcher(account(**SERVICE))()


def test_the_project_is_known_where_the_credentials_are_at_hand() -> None:
    assert project_in(json.dumps(SERVICE)) == "acme"
    assert project_in("/run/key.json") is None
    assert project_in("{") is None
    assert project_in('{"project_id": 7}') is None
