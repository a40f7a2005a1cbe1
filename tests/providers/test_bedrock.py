"""Where a model is on Bedrock, in which format, and as whom."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.shared import recordings
from tollbridge.calls.build import Wanted, build
from tollbridge.errors import AuthenticationError, BadRequestError
from tollbridge.providers.aws_keys import AwsAccount
from tollbridge.providers.ready import available
from tollbridge.providers.resolve import Given, Location, resolve
from tollbridge.providers.table import ROWS
from tollbridge.secret import Secret

REGION = {"AWS_REGION": "us-east-1"}
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PROFILE = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc1def2"


def found(
    model: str, environ: dict[str, str] = REGION, *, wire: str | None = None, provider: str = "bedrock", **said: Any
) -> Location:
    own = {name: said.pop(name) for name in ("api_key", "api_base", "base_model") if name in said}
    return resolve(f"{provider}/{model}", given=Given(extra=said, **own), environ=environ, rows=ROWS, wire=wire)


def signer(location: Location) -> AwsAccount:
    assert isinstance(location.cloud, AwsAccount)
    return location.cloud


@pytest.mark.parametrize(
    ("model", "region", "step", "kind"),
    [
        (CLAUDE, "us-east-1", "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0", CLAUDE),
        (f"converse/{CLAUDE}", "us-east-1", "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0", CLAUDE),
        ("eu-west-2/amazon.nova-lite-v1:0", "eu-west-2", "amazon.nova-lite-v1%3A0", "amazon.nova-lite-v1:0"),
        ("converse/us-gov-west-1/amazon.nova-lite-v1:0", "us-gov-west-1", "amazon.nova-lite-v1%3A0", None),
        ("us-west-2/1-month-commitment/anthropic.claude-v2:1", "us-west-2", "anthropic.claude-v2%3A1", None),
        (
            PROFILE, "eu-west-1",
            "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc1def2", "",
        ),
        (
            f"arn:aws:bedrock:us-west-2:123456789012:inference-profile/{CLAUDE}", "us-west-2",
            f"arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3Ainference-profile%2F{CLAUDE.replace(':', '%3A')}",
            CLAUDE,
        ),
        (
            "llama/arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl", "us-east-1",
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aimported-model%2Fabcdefghijkl", "meta.",
        ),
    ],
)  # fmt: skip
def test_the_model_is_one_step_of_the_path_and_its_name_may_say_where(
    model: str, region: str, step: str, kind: str | None
) -> None:
    location = found(model)
    assert location.provider.wire == "bedrock_converse"
    assert location.host == f"bedrock-runtime.{region}.amazonaws.com"
    assert (location.path, location.stream_path) == (f"/model/{step}/converse", f"/model/{step}/converse-stream")
    assert (signer(location).service, signer(location).region) == ("bedrock", region)
    if kind is not None:
        assert location.provider.prefers["base_model"] == kind


def test_claude_is_asked_in_its_own_format_where_that_is_wanted() -> None:
    step = "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0"
    for location in (found(f"invoke/{CLAUDE}"), found(CLAUDE, wire="anthropic_messages")):
        assert location.provider.wire == "anthropic_messages"
        assert location.path == f"/model/{step}/invoke"
        assert location.stream_path == f"/model/{step}/invoke-with-response-stream"
        (patch,) = location.provider.patches
        body = {"model": "m", "stream": True, "max_tokens": 9, "messages": []}
        assert patch(body) == {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": []}
        assert not location.provider.also


@pytest.mark.parametrize(
    ("model", "base", "both"),
    [
        (CLAUDE, None, True),
        (CLAUDE, "https://vpce-1-abc.bedrock-runtime.us-east-1.vpce.amazonaws.com", True),
        (CLAUDE, "http://127.0.0.1:8080", False),
        (f"converse/{CLAUDE}", None, False),
        (f"invoke/{CLAUDE}", None, False),
        ("amazon.nova-lite-v1:0", None, False),
        ("invoke/amazon.nova-lite-v1:0", None, False),
    ],
)
def test_a_claude_at_amazons_own_address_is_asked_in_either_format(model: str, base: str | None, both: bool) -> None:
    assert set(found(model, api_base=base).provider.also) == ({"anthropic_messages"} if both else set())


def test_others_are_asked_by_converse_whatever_their_name_says() -> None:
    location = found("invoke/meta.llama3-8b-instruct-v1:0")
    assert (location.provider.wire, location.path) == (
        "bedrock_converse", "/model/meta.llama3-8b-instruct-v1%3A0/converse",
    )  # fmt: skip


def test_a_profile_is_what_its_base_model_is() -> None:
    assert found(PROFILE, base_model=f"bedrock/{CLAUDE}").provider.also
    assert found(f"invoke/{PROFILE}", base_model=CLAUDE).provider.wire == "anthropic_messages"
    named = found(CLAUDE, model_id=PROFILE)
    assert named.model == PROFILE
    assert named.host == "bedrock-runtime.eu-west-1.amazonaws.com"
    assert named.provider.prefers["base_model"] == CLAUDE


@pytest.mark.parametrize(
    ("model", "listed"),
    [
        ("us-west-2/anthropic.claude-v2:1", ("us-west-2/anthropic.claude-v2:1", "anthropic.claude-v2:1")),
        ("anthropic.claude-v2:1", ("us-east-1/anthropic.claude-v2:1", "anthropic.claude-v2:1")),
        (
            "us-west-2/6-month-commitment/anthropic.claude-v1",
            (
                "us-west-2/6-month-commitment/anthropic.claude-v1", "us-west-2/anthropic.claude-v1",
                "anthropic.claude-v1",
            ),
        ),
        (PROFILE, ()),
    ],
)  # fmt: skip
def test_a_price_is_looked_for_by_region_and_commitment_first(model: str, listed: tuple[str, ...]) -> None:
    assert found(model).listed == listed


def test_regions_are_taken_from_who_says_most_precisely() -> None:
    environ = {"AWS_REGION_NAME": "us-west-1", "AWS_REGION": "us-east-1"}
    assert found("m.m", environ).host == "bedrock-runtime.us-west-1.amazonaws.com"
    assert found("eu-west-2/m.m", environ).host == "bedrock-runtime.eu-west-2.amazonaws.com"
    assert (
        found("eu-west-2/m.m", environ, aws_region_name="sa-east-1").host == "bedrock-runtime.sa-east-1.amazonaws.com"
    )
    assert found("m.m", {}, aws_region_name="cn-north-1").host == "bedrock-runtime.cn-north-1.amazonaws.com.cn"
    at = found("m.m", {}, api_base="https://bedrock-runtime.ca-central-1.amazonaws.com")
    assert signer(at).region == "ca-central-1"


@pytest.mark.parametrize("region", ["us east", "us-east-1/../x", "evil.example#"])
def test_what_is_no_region_is_refused(region: str) -> None:
    with pytest.raises(BadRequestError, match="no region has") as caught:
        found("m.m", aws_region_name=region)
    assert (caught.value.param, caught.value.fault) == ("aws_region_name", "operator")


def test_a_region_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(
        BadRequestError, match="`aws_region_name` is missing: pass it, or set AWS_REGION_NAME or"
    ) as caught:
        found("m.m", {})
    assert caught.value.fault == "operator"
    (tmp_path / "none").write_text("[default]\nregion = eu-north-1\n")
    assert found("m.m", {}).host == "bedrock-runtime.eu-north-1.amazonaws.com"


@pytest.mark.parametrize("way", ["api_base", "aws_bedrock_runtime_endpoint", "AWS_BEDROCK_RUNTIME_ENDPOINT"])
def test_another_address_keeps_its_path(way: str) -> None:
    base = "http://127.0.0.1:8080/prefix/"
    said = {way: base} if way.islower() else {}
    location = found("m.m", REGION if said else {**REGION, way: base}, **said)
    assert (location.scheme, location.host, location.port) == ("http", "127.0.0.1", 8080)
    assert location.path == "/prefix/model/m.m/converse"
    assert not location.own_address


# who


def test_a_key_is_a_bearer_token_and_nothing_is_signed() -> None:
    for location in (
        found("m.m", api_key="ABSK-1"),
        found("m.m", {**REGION, "AWS_BEARER_TOKEN_BEDROCK": "ABSK-1", "AWS_ACCESS_KEY_ID": "AKIA"}),
    ):
        assert location.cloud is None
        headers = {name: value.reveal() for name, value in location.headers if isinstance(value, Secret)}
        assert headers == {"authorization": "Bearer ABSK-1"}
        assert [secret.reveal() for secret in location.secrets] == ["ABSK-1"]


def test_keys_that_are_given_go_before_a_token_of_the_environment() -> None:
    environ = {**REGION, "AWS_BEARER_TOKEN_BEDROCK": "ABSK-1"}
    location = found("m.m", environ, aws_access_key_id="AKIA1", aws_secret_access_key=Secret("s1"))
    assert signer(location).access_key == "AKIA1"
    assert found("m.m", environ, aws_profile_name="work").cloud is not None
    assert found("m.m", environ).cloud is None


def test_the_environment_names_keys_a_profile_or_a_role() -> None:
    keys = signer(
        found("m.m", {**REGION, "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"})
    )
    assert (keys.access_key, keys.role) == ("A", None)
    assert [secret.reveal() for secret in keys.secrets] == ["s", "t"]
    assert signer(found("m.m", {**REGION, "AWS_PROFILE": "work"})).profile == "work"
    web = {**REGION, "AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token"}
    assert signer(found("m.m", web)).role == "arn:aws:iam::1:role/r"
    assert signer(found("m.m", {**REGION, "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"})).role is None


def test_what_is_given_is_not_mixed_with_what_the_environment_says() -> None:
    environ = {
        **REGION,
        "AWS_ACCESS_KEY_ID": "A",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_ROLE_NAME": "arn:aws:iam::1:role/r",
    }
    given = signer(found("m.m", environ, aws_profile_name="work"))
    assert (given.profile, given.access_key, given.role) == ("work", None, None)
    with pytest.raises(BadRequestError, match="`aws_secret_access_key` is missing"):
        found("m.m", environ, aws_access_key_id="B")


def test_who_asks_is_another_account_for_another_key_or_role() -> None:
    accounts = {
        found("m.m", api_key="a").account,
        found("m.m", api_key="b").account,
        found("m.m", aws_access_key_id="A", aws_secret_access_key="s").account,
        found("m.m", aws_access_key_id="B", aws_secret_access_key="s").account,
        found("m.m", aws_access_key_id="A", aws_secret_access_key="s", aws_role_name="r").account,
    }
    assert len(accounts) == 5


def test_a_guardrail_of_the_operators_binds_every_way() -> None:
    said = {"guardrailConfig": {"guardrailIdentifier": "gr1", "guardrailVersion": "2", "trace": "enabled"}}
    assert found(CLAUDE, **said).body == said
    headers = dict(found(CLAUDE, wire="anthropic_messages", **said).headers)
    assert headers["x-amzn-bedrock-guardrailidentifier"] == "gr1"
    assert headers["x-amzn-bedrock-guardrailversion"] == "2"
    assert headers["x-amzn-bedrock-trace"] == "ENABLED"
    assert found(CLAUDE, wire="anthropic_messages", **said).body == {}


# its neighbours


def test_a_sagemaker_endpoint_stands_in_the_path_and_streams_beside() -> None:
    location = found("my-endpoint", provider="sagemaker_chat", model_id="component-1")
    assert location.host == "runtime.sagemaker.us-east-1.amazonaws.com"
    assert location.path == "/endpoints/my-endpoint/invocations"
    assert location.stream_path == "/endpoints/my-endpoint/invocations-response-stream"
    assert (signer(location).service, location.provider.wire) == ("sagemaker", "openai_chat")
    assert ("x-amzn-sagemaker-inference-component", "component-1") in location.headers


def test_mantle_takes_a_key_or_a_signature() -> None:
    assert found("openai.gpt-oss-120b", provider="bedrock_mantle", api_key="k").cloud is None
    signed = found("openai.gpt-oss-120b", provider="bedrock_mantle")
    assert (signed.host, signer(signed).service) == ("bedrock-mantle.us-east-1.api.aws", "bedrock-mantle")


def test_each_recorded_exchange_is_sent_where_it_was_sent() -> None:
    seen = 0
    for exchange in recordings(
        provider="bedrock", endpoints=("converse", "converse-stream", "invoke", "invoke-stream")
    ):
        url = urlsplit(exchange["url"])
        messages = "anthropic_version" in str(exchange.get("request_body"))
        if exchange["endpoint"].startswith("invoke") and not messages:
            continue
        route = "invoke" if messages else "converse"
        model = unquote(url.path).removeprefix("/model/").rpartition("/")[0]
        region = url.netloc.split(".")[1]
        where = found(
            f"{route}/{model}", {}, aws_region_name=region if "-" in region else "us-east-1", base_model=CLAUDE
        )
        target = where.stream_path if exchange["endpoint"].endswith("stream") else where.path
        assert unquote(target) == unquote(url.path), exchange["id"]
        assert "-" not in region or where.host == url.netloc
        seen += 1
    assert seen > 180


def test_a_missing_key_of_another_provider_is_still_missing() -> None:
    with pytest.raises(AuthenticationError):
        resolve("openai/gpt-4o", environ={}, rows=ROWS)


@pytest.mark.parametrize(
    "names", [["AWS_BEARER_TOKEN_BEDROCK"], ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], ["AWS_PROFILE"]]
)
def test_the_environment_is_enough_with_a_region_and_a_way_to_say_who_asks(names: list[str]) -> None:
    said = dict.fromkeys(names, "x")
    assert "bedrock" in {row.name for row in available({**REGION, **said}, ROWS)}
    assert "bedrock" not in {row.name for row in available(said, ROWS)}
    assert not {"bedrock", "sagemaker_chat", "bedrock_mantle"} & {row.name for row in available(REGION, ROWS)}


@pytest.mark.parametrize(
    ("model", "base_model", "known"),
    [
        (f"bedrock/{CLAUDE}", None, CLAUDE),
        (f"bedrock/invoke/{CLAUDE}", None, CLAUDE),
        (CLAUDE, None, CLAUDE),
        ("bedrock/apac.amazon.nova-lite-v1:0", None, "apac.amazon.nova-lite-v1:0"),
        ("bedrock/global.anthropic.claude-opus-4-8", None, "global.anthropic.claude-opus-4-8"),
        ("bedrock/eu-west-2/qwen.qwen3-coder-next", None, "eu-west-2/qwen.qwen3-coder-next"),
        ("bedrock/us-east-1/amazon.nova-lite-v1:0", None, "amazon.nova-lite-v1:0"),
        (f"bedrock/{PROFILE}", "us.amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1:0"),
        (f"bedrock/{PROFILE}", None, None),
    ],
)
def test_prices_are_those_of_the_name_in_every_spelling(model: str, base_model: str | None, known: str | None) -> None:
    deployment = build(Wanted(id="d", group="g", model=model, given=Given(base_model=base_model)), REGION, ROWS)
    assert (deployment.facts.name if deployment.facts is not None else None) == known
    assert deployment.tariff.covers == (known is not None)
    for other in deployment.also.values():
        assert other.tariff.covers == deployment.tariff.covers


@pytest.mark.parametrize(
    ("model", "wire", "path"),
    [
        ("openai.gpt-oss-120b", None, "/v1/chat/completions"),
        ("openai.gpt-5.6-luna", None, "/openai/v1/chat/completions"),
        ("openai.gpt-5.6-luna", "openai_responses", "/openai/v1/responses"),
        ("google.gemma-4-31b", None, "/openai/v1/chat/completions"),
        ("google.gemma-3-27b-it", None, "/v1/chat/completions"),
        ("xai.grok-4.6", "openai_responses", "/openai/v1/responses"),
        ("mistral.voxtral-mini-3b-2507", None, "/v1/chat/completions"),
    ],
)
def test_some_models_stand_elsewhere_on_mantle(model: str, wire: str | None, path: str) -> None:
    assert found(model, provider="bedrock_mantle", wire=wire).path == path
    own = found(model, provider="bedrock_mantle", wire=wire, api_base="http://127.0.0.1:8080/v1")
    assert own.path == path.removeprefix("/openai")


@pytest.mark.parametrize("wire", [None, "openai_responses", "anthropic_messages"])
@pytest.mark.parametrize("base", ["", "/v1", "/openai/v1", "/anthropic", "/anthropic/v1", "/anthropic/v1/messages"])
def test_claude_speaks_its_own_format_on_mantle(base: str, wire: str | None) -> None:
    host = "https://bedrock-mantle.eu-west-1.api.aws"
    location = found("anthropic.claude-haiku-4-5", provider="bedrock_mantle", wire=wire, api_base=host + base)
    assert (location.path, location.provider.wire) == ("/anthropic/v1/messages", "anthropic_messages")
    assert ("anthropic-version", "2023-06-01") in location.headers
    assert not location.provider.also
    assert (signer(location).service, signer(location).region) == ("bedrock-mantle", "eu-west-1")


def test_mantle_has_a_variable_of_its_own_for_the_region() -> None:
    environ = {**REGION, "BEDROCK_MANTLE_REGION": "us-east-2"}
    location = found("openai.gpt-oss-120b", environ, provider="bedrock_mantle")
    assert location.host == "bedrock-mantle.us-east-2.api.aws"
    assert signer(location).region == "us-east-2"
