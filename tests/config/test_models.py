from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.config.loading import config_of, load_text, said
from tollbridge.calls.tariff import Markup
from tollbridge.config.settings import ModelEntry


def entries(directory: Path, text: str, **environ: str) -> tuple[ModelEntry, ...]:
    loaded = load_text(directory, text, environ)
    return config_of(loaded).models


def test_a_deployment_keeps_apart_what_is_ours_the_providers_and_the_requests(tmp_path: Path) -> None:
    (entry,) = entries(
        tmp_path,
        """
        model_list:
          - model_name: big
            litellm_params:
              model: azure/gpt-4o
              api_key: k
              api_base: https://x.openai.azure.com
              api_version: 2024-10-21
              organization: org-1
              custom_llm_provider: azure
              timeout: 30
              stream_timeout: "60"
              num_retries: 1
              weight: 0.5
              order: -1
              rpm: 100
              tpm: 2000
              tags: [eu, paid]
              drop_params: "true"
              additional_drop_params: [user]
              allowed_openai_params: [tools]
              extra_headers: {x-team: 7}
              extra_body: {custom: {a: [1, null]}}
              aws_region_name: eu-central-1
              client_secret: s
              temperature: "0.5"
              max_tokens: 100
              response_format: {type: json_object}
              input_cost_per_token: 1.5e-06
              cache_read_input_token_cost_above_200k_tokens: "0.000001"
            model_info: {id: one, mode: chat, anything: {goes: [1]}}
        """,
    )
    assert (entry.id, entry.model_name, entry.model, entry.disabled) == ("one", "big", "azure/gpt-4o", None)
    assert entry.api_key is not None
    assert (entry.api_key.reveal(), entry.api_base) == ("k", "https://x.openai.azure.com")
    assert (entry.api_version, entry.organization, entry.custom_llm_provider) == ("2024-10-21", "org-1", "azure")
    assert (entry.timeout_s, entry.stream_timeout_s, entry.max_retries) == (30.0, 60.0, 1)
    assert (entry.weight, entry.order, entry.rpm, entry.tpm, entry.tags) == (0.5, -1, 100, 2000, ("eu", "paid"))
    assert (entry.drop_params, entry.additional_drop_params, entry.allowed_openai_params) == (
        True,
        ("user",),
        ("tools",),
    )
    assert (entry.extra_headers, entry.extra_body) == ({"x-team": "7"}, {"custom": {"a": [1, None]}})
    assert (entry.params["aws_region_name"], entry.params["client_secret"].reveal()) == ("eu-central-1", "s")
    assert entry.defaults == {"temperature": 0.5, "max_tokens": 100, "response_format": {"type": "json_object"}}
    assert isinstance(entry.defaults["max_tokens"], int)
    assert entry.prices == {"input": 15 * 10**8, "cache_read>200000": 10**9}
    assert entry.model_info == {"id": "one", "mode": "chat", "anything": {"goes": [1]}}
    assert (entry.where.line, entry.where.column) == (3, 5)


def test_what_is_wrong_with_a_price_is_told_where_it_stands(tmp_path: Path) -> None:
    loaded = load_text(
        tmp_path,
        """
        model_list:
          - model_name: a
            params:
              model: openai/a
              input_cost_per_token: 1e-30
            model_info:
              mode: chat
              output_cost_per_token: oops
              output_cost_per_tokn: 1
        """,
    )
    assert said(loaded) == [
        "config.yaml:6:29: error: model_list[0].params.input_cost_per_token: 1e-30 is no price: it is less than a "
        "nano-dollar for a million units",
        "config.yaml:9:30: error: model_list[0].model_info.output_cost_per_token: 'oops' is no price: a number of "
        "dollars per unit is",
        "config.yaml:10:29: warning: model_list[0].model_info.output_cost_per_tokn: is no price that is known, and has "
        "no effect; did you mean `output_cost_per_token`?",
    ]


def test_a_price_that_nobody_asks_is_a_warning_with_what_was_most_likely_meant(tmp_path: Path) -> None:
    text = "model_list: [{{model_name: a, params: {{model: openai/a, {}}}}}]"
    (line,) = said(load_text(tmp_path, text.format("input_cost_per_token: 3")))
    assert line == (
        "config.yaml:1:78: warning: model_list[0].params.input_cost_per_token: is $3 for each token, $3,000,000 per "
        "million: prices are in dollars per token. For $3 per million write 0.000003"
    )
    for odd in ("output_cost_per_token_batches: 0.0011", "input_cost_per_second: 1.5"):
        (line,) = said(load_text(tmp_path, text.format(odd)))
        assert ": warning: " in line
    for usual in ("output_cost_per_token: 0.0006", "input_cost_per_second: 0.05", "input_cost_per_request: 5"):
        assert said(load_text(tmp_path, text.format(usual))) == []


def test_params_is_another_name_for_litellm_params_and_both_are_an_error(tmp_path: Path) -> None:
    (entry,) = entries(tmp_path, "model_list: [{model_name: a, params: {model: openai/a}}]")
    assert entry.model == "openai/a"
    both = "model_list: [{model_name: a, params: {model: openai/a}, litellm_params: {model: openai/a}}]"
    assert said(load_text(tmp_path, both)) == [
        "config.yaml:1:57: error: model_list[0].litellm_params: `params` stands here too: they are one, "
        "write only one of them"
    ]


def test_two_names_for_one_thing_may_agree_and_not_differ(tmp_path: Path) -> None:
    same = "model_list: [{model_name: a, params: {model: openai/a, api_base: http://x, base_url: http://x}}]"
    assert load_text(tmp_path, same).findings == ()
    assert (
        "`api_base` says otherwise" in said(load_text(tmp_path, same.replace("base_url: http://x", "base_url: y")))[0]
    )


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{params: {model: openai/a}}", ": lacks `model_name`"),
        ("{model_name: a}", ": lacks `litellm_params`"),
        ("{model_name: a, params: {}}", ".params: lacks `model`"),
        ("{model_name: a, params: x}", ".params: expected a table, got 'x'"),
        ("{model_name: '', params: {model: b}}", ".model_name: expected a name, got ''"),
        ("just-a-name", ": expected a table, got 'just-a-name'"),
        ("{model_name: a, model: x}", ".model: is not a key of model_list[]; it belongs in litellm_params"),
        ("{model_name: a*b*c, params: {model: openai/*}}", ".model_name: one `*` at most"),
        ("{model_name: a, params: {model: x/*}}", ".params.model: the `*` in 'x/*' stands for nothing"),
        ("{model_name: a, params: {rpm: many}}", ".params.rpm: expected a whole number, got 'many'"),
        ("{model_name: a, params: {num_retrys: 1}}", ".params.num_retrys: is not a known key; did you mean `num_re"),
        (
            "{model_name: a, params: {input_cost_per_tokn: 1}}",
            ".params.input_cost_per_tokn: is not a known key; did you mean `input_cost_per_token`?",
        ),
        (
            "{model_name: a, params: {input_cost_per_token_above_200k_token: 1}}",
            ".params.input_cost_per_token_above_200k_token: is not a known key; did you mean "
            "`input_cost_per_token_above_200k_tokens`?",
        ),
        ("{model_name: a, params: {routing_strategy: x}}", ".params.routing_strategy: is not a key of litellm_par"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(tmp_path: Path, entry: str, expected: str) -> None:
    loaded = load_text(tmp_path, f"model_list:\n  - {entry}\n")
    assert loaded.config is None
    assert any(line.partition(": error: model_list[0]")[2].startswith(expected) for line in said(loaded)), said(loaded)


def test_a_field_that_no_wire_knows_is_an_error_that_points_to_extra_body(tmp_path: Path) -> None:
    (line,) = said(load_text(tmp_path, "model_list: [{model_name: a, params: {model: openai/a, frobnicate: 1}}]"))
    assert line == (
        "config.yaml:1:56: error: model_list[0].params.frobnicate: is not a known key of litellm_params "
        "(a field of the provider's request that is not listed goes into `extra_body`)"
    )


def test_prices_stand_in_model_info_too_and_those_of_the_params_win(tmp_path: Path) -> None:
    text = """
        model_list:
          - model_name: a
            litellm_params:
              model: openai/a
              input_cost_per_token: "0.000001"
              search_context_cost_per_query: {search_context_size_medium: 0.01}
            model_info: {input_cost_per_token: 2e-6, output_cost_per_token: 3e-6, input_cost_per_second: 0.01}
    """
    (entry,) = entries(tmp_path, text)
    assert entry.prices == {
        "input": 10**9,
        "output": 3 * 10**9,
        "per_second_in": 10**13,
        "search_medium": 10**13,
    }


def test_a_price_that_no_answer_is_charged_by_is_a_warning(tmp_path: Path) -> None:
    text = "model_list: [{model_name: a, params: {model: openai/a, input_cost_per_token: 1e-6, ocr_cost_per_page: 2}}]"
    (line,) = said(load_text(tmp_path, text))
    assert line.endswith("ocr_cost_per_page: answers are not charged by it; it has no effect")


@pytest.mark.parametrize("price", ["-1", "free", "1e-30", "[1]"])
def test_what_is_no_price_is_an_error(tmp_path: Path, price: str) -> None:
    for entry in (
        f"{{model_name: a, params: {{model: openai/a, input_cost_per_token: {price}}}}}",
        f"{{model_name: a, params: {{model: openai/a}}, model_info: {{input_cost_per_token: {price}}}}}",
    ):
        loaded = load_text(tmp_path, f"model_list: [{entry}]")
        assert loaded.config is None
        assert "input_cost_per_token" in said(loaded)[0]


def test_ids_are_unique_stable_and_made_without_secrets(tmp_path: Path) -> None:
    text = """
        model_list:
          - {model_name: a, litellm_params: {model: openai/a, api_key: one}}
          - {model_name: a, litellm_params: {model: openai/a, api_key: two}}
          - {model_name: a, litellm_params: {model: openai/a, api_base: http://b}}
    """
    first = [entry.id for entry in entries(tmp_path, text)]
    assert len(set(first)) == 3
    assert first[1] == f"{first[0]}-2"
    assert [entry.id for entry in entries(tmp_path, text.replace("one", "three"))] == first
    (line,) = said(
        load_text(
            tmp_path,
            text.replace("api_key: one}", "}, model_info: {id: 7}").replace("api_key: two}", "}, model_info: {id: 7}"),
        )
    )
    assert "'7' is already an id" in line  # fmt: skip


def test_a_list_of_organizations_is_a_deployment_each(tmp_path: Path) -> None:
    one, two = entries(tmp_path, "model_list: [{model_name: a, params: {model: openai/a, organization: [x, y]}}]")
    assert (one.organization, two.organization, one.id == two.id) == ("x", "y", False)


def test_a_model_without_a_known_provider_is_an_error_with_near_names(tmp_path: Path) -> None:
    text = """
        providers: [{name: inhouse, base_url: "http://h/v1"}]
        model_list:
          - {model_name: a, litellm_params: {model: gpt-4o}}
          - {model_name: b, litellm_params: {model: inhouse/x}}
          - {model_name: "*", litellm_params: {model: "*"}}
          - {model_name: c, litellm_params: {model: llama, custom_llm_provider: openai}}
          - {model_name: d, litellm_params: {model: nobody/x, mock_response: hello}}
          - {model_name: e, litellm_params: {model: our-own-model}}
          - {model_name: f, litellm_params: {model: inhous/x}}
          - {model_name: "g/*", litellm_params: {model: "opnai/*"}}
          - {model_name: h, litellm_params: {model: x, custom_llm_provider: nobody}}
    """
    lines = said(load_text(tmp_path, text))
    assert [line.partition(": error: ")[2].partition(".model: ")[0] for line in lines] == [
        f"model_list[{n}].litellm_params" for n in (5, 6, 7, 8)
    ]
    assert "`openai/our-own-model`" in lines[0]
    assert "'inhouse'" in lines[1]
    assert "'openai'" in lines[2]
    assert "'nobody'" in lines[3]


def test_an_empty_list_of_models_is_a_warning(tmp_path: Path) -> None:
    assert said(load_text(tmp_path, "model_list: []")) == [
        "config.yaml:1:13: warning: model_list: is empty: nothing is served by it"
    ]


def test_a_price_policy_is_read_exactly(tmp_path: Path) -> None:
    text = """
        litellm_settings:
          block_requests_for_models_without_pricing: true
          cost_discount_config: {openai: 0.05}
          cost_margin_config: {global: 0.1, groq: {percentage: 0.08, fixed_amount: 0.0005}, zai: {fixed_amount: 1}}
    """
    settings = config_of(load_text(tmp_path, text)).settings
    assert settings.block_unpriced
    assert settings.discounts == {"openai": Fraction(1, 20)}
    assert settings.margins == {
        "global": Markup(Fraction(11, 10)),
        "groq": Markup(Fraction(27, 25), 500_000),
        "zai": Markup(Fraction(1), 10**9),
    }


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("cost_discount_config: {openai: 1.5}", "more than the whole price"),
        ("cost_discount_config: {openai: -1}", "must not be negative"),
        ("cost_margin_config: {openai: {percentag: 1}}", "did you mean `percentage`"),
        ("budget_exceeded_status_code: 503", "must be a status from 400 to 499"),
    ],
)
def test_a_price_policy_that_cannot_be_is_an_error(tmp_path: Path, settings: str, expected: str) -> None:
    loaded = load_text(tmp_path, f"litellm_settings: {{{settings}}}")
    assert loaded.config is None
    assert expected in said(loaded)[0]


@pytest.mark.parametrize(
    ("model", "base", "told"),
    [
        ("openai/m", "http://localhost:8000/v1/chat/completions", "`/chat/completions` is the path of a request"),
        ("openai/m", "http://localhost:8000/v1/messages/", "none is answered there"),
        ("anthropic/m", "http://localhost:8000/v1/messages", "none but this one is answered there"),
        ("openai/m", "http://localhost:8000/v1", None),
        ("openai/m", "http://localhost:8000/messages/v1", None),
        ("azure_ai/m", "https://x.services.ai.azure.com/models/chat/completions", None),
    ],
)
def test_an_address_that_ends_in_the_path_of_a_request_is_told(
    tmp_path: Path, model: str, base: str, told: str | None
) -> None:
    entry = f"{{model_name: m, litellm_params: {{model: {model}, base_url: '{base}', api_key: k}}}}"
    found = said(load_text(tmp_path, f"model_list: [{entry}]"))
    assert len(found) == (told is not None)
    if told is not None:
        assert told in found[0]
        assert "model_list[0].litellm_params.base_url: " in found[0]
