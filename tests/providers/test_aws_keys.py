"""Keys as AWS's own library finds them: given, in its files, from a program, or from an STS of ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.aws import ACCESS_KEY, SECRET_KEY, Asked, Service, Told, is_signed, serving
from tollbridge.errors import APIConnectionError, AuthenticationError, InternalServerError
from tollbridge.providers import aws_keys
from tollbridge.providers.aws_keys import NEVER, REREAD_S, AwsAccount, Keys, fetcher, region_of
from tollbridge.secret import Secret

ROLE = "arn:aws:iam::123456789012:role/gateway"
ENDS = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
XML = "text/xml"


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """AWS's own files are these, and nothing else is told."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


def account(**said: object) -> AwsAccount:
    return AwsAccount(provider="bedrock", service="bedrock", region="us-east-1", **said)  # type: ignore[arg-type]


def shown(keys: Keys) -> tuple[str, str, str | None]:
    token = keys.session_token
    return keys.access_key, keys.secret_key.reveal(), None if token is None else token.reveal()


def office(asked: Asked) -> Told:
    """STS: it knows one identity, and the keys of the example."""
    form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    action = form["Action"]
    known = form.get("WebIdentityToken") == "good" if action.endswith("WebIdentity") else is_signed(asked)
    if not known:
        error = "<Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The token is expired.</Message></Error>"
        return Told(f"<ErrorResponse>{error}</ErrorResponse>".encode(), 400, XML)
    said = f"<AccessKeyId>ASIA{form['RoleSessionName']}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    said += f"<SessionToken>{form.get('ExternalId', 't')}</SessionToken><Expiration>2030-01-02T03:04:05Z</Expiration>"
    body = f"<{action}Response><{action}Result><Credentials>{said}</Credentials></{action}Result></{action}Response>"
    return Told(body.encode(), 200, XML)


@pytest.fixture
def sts() -> Iterator[Service]:
    with serving(office) as service:
        yield service


def test_keys_that_are_given_are_used_as_they_are() -> None:
    keys = fetcher(account(access_key="AKIA1", secret_key=Secret("s1"), session_token=Secret("t1")))()
    assert shown(keys) == ("AKIA1", "s1", "t1")
    assert keys.expires_at == NEVER
    assert keys.secrets == ("s1", "t1")


def test_a_profile_of_awss_own_files_is_read_again_from_time_to_time(files: Path) -> None:
    (files / "credentials").write_text("[work]\naws_access_key_id = AKIA2\naws_secret_access_key = s2\n")
    before = datetime.now(UTC).timestamp()
    keys = fetcher(account(profile="work"))()
    assert shown(keys) == ("AKIA2", "s2", None)
    assert before + REREAD_S <= keys.expires_at <= datetime.now(UTC).timestamp() + REREAD_S
    (files / "credentials").write_text("[work]\naws_access_key_id = AKIA3\naws_secret_access_key = s3\n")
    assert shown(fetcher(account(profile="work"))()) == ("AKIA3", "s3", None)


def test_a_program_of_the_profile_tells_keys_and_when_they_end(files: Path) -> None:
    ends = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)
    program = files / "program.py"
    told = {"Version": 1, "AccessKeyId": "AKIA4", "SecretAccessKey": "s4", "SessionToken": "t4"}
    program.write_text(f"import json\nprint(json.dumps({ {**told, 'Expiration': ends.isoformat()} }))\n")
    (files / "config").write_text(
        f"[profile made]\ncredential_process = {sys.executable} {program}\nregion = eu-west-3\n"
    )
    keys = fetcher(account(profile="made"))()
    assert shown(keys) == ("AKIA4", "s4", "t4")
    assert keys.expires_at == ends.timestamp()
    assert region_of("made") == "eu-west-3"
    assert region_of(None) is None
    assert region_of("no such profile") is None


def test_a_role_is_assumed_by_the_keys_that_are_told(sts: Service) -> None:
    keys = fetcher(
        account(
            access_key=ACCESS_KEY,
            secret_key=Secret(SECRET_KEY),
            role=ROLE,
            session_name="Us",
            external_id="ex-1",
            session_tags=(("team", "a"),),
            sts_endpoint=sts.url,
        )
    )()
    assert shown(keys) == ("ASIAUs", "s", "ex-1")
    assert keys.expires_at == ENDS.timestamp()
    form = parse_qs(sts.last().body.decode())
    assert form["RoleArn"] == [ROLE]
    assert form["Tags.member.1.Key"] == ["team"]
    assert sts.last().signed_for == (ACCESS_KEY, "us-east-1", "sts")


def test_a_role_is_assumed_by_a_profile(sts: Service, files: Path) -> None:
    text = f"[base]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
    (files / "credentials").write_text(text)
    keys = fetcher(account(profile="base", role=ROLE, sts_endpoint=sts.url))()
    assert shown(keys) == ("ASIAtollbridge", "s", "t")


@pytest.mark.parametrize("as_file", [False, True])
def test_a_role_is_assumed_by_a_web_identity_which_signs_nothing(sts: Service, files: Path, as_file: bool) -> None:
    (files / "token").write_text("good\n")
    identity = str(files / "token") if as_file else "good"
    keys = fetcher(account(role=ROLE, session_name="Web", web_identity=Secret(identity), sts_endpoint=sts.url))()
    assert shown(keys) == ("ASIAWeb", "s", "t")
    assert "authorization" not in sts.last().headers


def test_an_identity_that_is_refused_is_the_operators_to_mend(sts: Service) -> None:
    with pytest.raises(
        AuthenticationError, match=r"bedrock: AWS gave no credentials: .*The token is expired"
    ) as caught:
        fetcher(account(role=ROLE, web_identity=Secret("stale"), sts_endpoint=sts.url))()
    assert (caught.value.fault, caught.value.code) == ("operator", "cloud_credentials")


def test_an_office_that_does_not_answer_may_be_asked_again() -> None:
    with pytest.raises(APIConnectionError, match="could not be asked") as caught:
        fetcher(account(role=ROLE, web_identity=Secret("good"), sts_endpoint="http://127.0.0.1:9"))()
    assert caught.value.retryable


def test_keys_that_are_nowhere_are_named() -> None:
    with pytest.raises(AuthenticationError, match="no AWS credentials were found: pass `aws_access_key_id`") as caught:
        fetcher(account())()
    assert "AWS_BEARER_TOKEN_BEDROCK" in caught.value.message
    assert caught.value.fault == "operator"


def test_a_profile_that_is_not_there_is_named() -> None:
    with pytest.raises(AuthenticationError, match=r"profile \(nowhere\) could not be found"):
        fetcher(account(profile="nowhere"))()


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(aws_keys, "_library", missing)
    with pytest.raises(InternalServerError, match=r"pip install 'tollbridge\[aws\]'"):
        fetcher(account())()
    assert region_of(None) is None


def test_an_account_shows_no_secret() -> None:
    whole = account(
        access_key="AKIA1", secret_key=Secret("s-1"), session_token=Secret("t-1"), web_identity=Secret("w-1")
    )
    assert not {"s-1", "t-1", "w-1"} & set(repr(whole).replace("'", " ").split())
    assert [secret.reveal() for secret in whole.secrets] == ["s-1", "t-1", "w-1"]
