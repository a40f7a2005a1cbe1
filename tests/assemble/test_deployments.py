"""`model_list` -> deployments: mocks, also behind a wildcard, and the times of whole answers and of streams."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.faults import CHAT, MESSAGES, ask, configuration, error_of
from tests.server.served import served
from tollbridge.assemble.deployments import Maker
from tollbridge.assemble.gateway import provider_rows
from tollbridge.assemble.offline import offline
from tollbridge.calls.deployment import Deployment
from tollbridge.catalog.facts import catalog
from tollbridge.config.load import load
from tollbridge.config.settings import Config
from tollbridge.errors import NotFoundError
from tollbridge.model.response import Usage
from tollbridge.routing.groups import Groups
from tollbridge.transport.inprocess import ByHost, InProcess


def groups_of(text: str, directory: Path) -> Groups[Deployment]:
    path = directory / "config.yaml"
    path.write_text(text)
    config = load(path, {}).config
    assert config is not None
    return Maker(config, {}, provider_rows(config), ByHost({}, InProcess(offline()))).groups()


@pytest.mark.parametrize(("public", "asked"), [("m", "m"), ("m/*", "m/x")])
@pytest.mark.parametrize(
    ("model", "provider"), [("openai/gpt-4o", "openai"), ("openrouter/openai/gpt-4o", "openrouter")]
)
async def test_a_mock_answers_here_under_the_name_of_its_provider(
    tmp_path: Path, public: str, asked: str, model: str, provider: str
) -> None:
    entry = {"model_name": public, "litellm_params": {"model": model, "mock_response": "said here"}}
    async with served(configuration(entry), tmp_path) as gateway:
        answered = await gateway.post(CHAT, ask(asked))
    assert answered.json()["choices"][0]["message"]["content"] == "said here"
    assert answered.headers["x-tollbridge-provider"] == provider


def test_the_timeout_of_a_deployment_bounds_an_answer_and_a_streams_silence_but_not_its_length(tmp_path: Path) -> None:
    params = {"model": "openai/x", "api_key": "k", "timeout": 30}
    text = configuration({"model_name": "m", "litellm_params": params}, router={"timeout": 900})
    (deployment,) = groups_of(text, tmp_path).resolve("m").members
    assert deployment.timeouts.total_s == 30
    assert (deployment.stream_timeouts.first_byte_s, deployment.stream_timeouts.total_s) == (30, 900)


@pytest.mark.parametrize(
    ("params", "missing"),
    [({"model": "groq/*"}, "GROQ_API_KEY"), ({"model": "azure/*", "api_key": "k-0123456789"}, "AZURE_API_BASE")],
)
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_what_the_operator_forgot_behind_a_wildcard_is_503_and_only_the_log_names_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, path: str, params: dict[str, str], missing: str
) -> None:
    async with served(configuration({"model_name": "all/*", "litellm_params": params}), tmp_path) as gateway:
        first = await gateway.post(path, ask("all/one"))
        second = await gateway.post(path, ask("all/two"))
    assert (first.status, second.status) == (503, 503)
    assert error_of(path, first.json())["message"].startswith("The gateway is not set up for ")
    assert missing.encode() not in first.body
    assert [record.outcome for record in gateway.records] == ["gateway_error"] * 2
    told = [record.getMessage() for record in caplog.records if missing in record.getMessage()]
    assert len(told) == 1
    assert "config.yaml" in told[0]


def test_of_a_provider_without_a_key_the_log_names_the_variable_and_the_client_hears_that_there_is_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    maker = Maker(Config(), {}, provider_rows(Config()), ByHost({}, InProcess(offline())))
    for _ in range(2):
        with pytest.raises(NotFoundError, match=r"is not served here: the gateway has no key for groq\.$"):
            maker.of_environment().resolve("groq/llama-3.3-70b-versatile")
    assert [record.message for record in caplog.records] == [
        "*: groq needs a key: pass `api_key`, or set GROQ_API_KEY."
    ]


async def test_an_entry_that_is_set_up_answers_for_one_that_is_not(tmp_path: Path) -> None:
    text = configuration(
        {"model_name": "all/*", "litellm_params": {"model": "groq/*"}},
        {"model_name": "all/*", "litellm_params": {"model": "openai/*", "mock_response": "here"}},
    )
    async with served(text, tmp_path) as gateway:
        assert (await gateway.post(CHAT, ask("all/one"))).status == 200


def priced(text: str, directory: Path, name: str) -> tuple[str, int | None]:
    (member,) = groups_of(text, directory).resolve(name).members
    return member.tariff.priced, member.tariff.cost(Usage(input=1_000, output=1_000))


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ("model: openai/gpt-4o", (catalog().date, 12_500_000)),
        ("model: openai/ours", ("", None)),
        ("model: openai/ours, input_cost_per_token: 1e-3, output_cost_per_token: 2e-3", ("config", 3_000_000_000)),
        ("model: openai/gpt-4o, mock_response: hi", (catalog().date, 12_500_000)),
        ("model: openai/ours, mock_response: hi, input_cost_per_token: 0, output_cost_per_token: 0", ("config", 0)),
        ("model: ollama/llama2, api_base: 'http://10.0.0.5:11434'", ("local", 0)),
    ],
)
@pytest.mark.parametrize(("public", "asked"), [("m", "m"), ("m/*", "m/x")])
def test_a_deployment_knows_its_prices_and_where_they_are_from(
    tmp_path: Path, params: str, expected: tuple[str, int | None], public: str, asked: str
) -> None:
    text = f"model_list: [{{model_name: {public}, litellm_params: {{{params}, api_key: k}}}}]"
    assert priced(text, tmp_path, asked) == expected


def test_discounts_and_margins_of_the_file_are_charged(tmp_path: Path) -> None:
    text = """
model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: k}}
  - {model_name: b, litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: k}}
litellm_settings:
  cost_discount_config: {openai: 0.2}
  cost_margin_config: {global: 0.5, openai: {percentage: 0.1, fixed_amount: 0.000001}}
"""
    assert priced(text, tmp_path, "a") == (catalog().date, 11_001_000)
    assert priced(text, tmp_path, "b") == (catalog().date, 27_000_000)


def test_of_a_model_without_a_price_the_operator_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (
        "model_list:\n"
        "  - {model_name: 'my/*', litellm_params: {model: 'openai/*', api_key: k}}\n"
        "  - {model_name: all, litellm_params: {model: openai/nobody-knows, api_key: k}}\n"
    )
    groups = groups_of(text, tmp_path)
    for name in ("my/gpt-4.1", "my/nobody-knows", "my/nobody-knows", "my/nobody-else", "all"):
        groups.resolve(name)
    told = [record.getMessage() for record in caplog.records]
    assert [line.partition("no price is known for ")[2].partition(":")[0] for line in told] == [
        "openai/nobody-knows",
        "openai/nobody-else",
    ]
    assert "config.yaml:2:5: my/*: " in told[0]


def test_a_model_of_which_only_half_is_priced_is_one_without_a_price(tmp_path: Path) -> None:
    text = (
        "model_list:\n"
        "  - {model_name: half, litellm_params: {model: openai/nobody, api_key: k, output_cost_per_token: 1e-6}}\n"
        "  - {model_name: most, litellm_params: {model: openai/nobody-knows, api_key: k, input_cost_per_token: 1e-6}}\n"
        "  - {model_name: gpt, litellm_params: {model: openai/gpt-4.1, api_key: k}}\n"
    )
    groups = groups_of(text, tmp_path)
    covered = {name: groups.resolve(name).members[0].tariff.covers for name in ("half", "most", "gpt")}
    assert covered == {"half": False, "most": False, "gpt": True}


@pytest.mark.parametrize(("said", "fetches"), [({}, False), ({"enable_azure_ad_token_refresh": True}, True)])
def test_azure_without_a_key_is_asked_as_the_machine_where_the_file_says_so(
    tmp_path: Path, said: dict[str, bool], fetches: bool
) -> None:
    params = {"model": "azure/d", "api_base": "https://r.openai.azure.com"}
    keyed = {"model_name": "keyed", "litellm_params": {**params, "api_key": "k-0123456789"}}
    text = configuration({"model_name": "m", "litellm_params": params}, keyed, litellm=said)
    groups = groups_of(text, tmp_path)
    members = groups.resolve("m").members
    assert bool(members) is fetches
    assert all(one.tokens is not None for one in members)
    assert [one.tokens for one in groups.resolve("keyed").members] == [None]
