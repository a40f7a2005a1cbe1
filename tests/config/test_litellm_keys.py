"""The keys that the proxy of LiteLLM 1.108.7 has (2026-11-27): each is known, and what becomes of it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.loading import config_of, load_text, said
from tollbridge.assemble.routing import engine_of
from tollbridge.config.load import TOP
from tollbridge.config.schema import Section
from tollbridge.config.tables.deployment import PARAMS
from tollbridge.config.tables.general import GENERAL
from tollbridge.config.tables.litellm import LITELLM
from tollbridge.routing.groups import Groups
from tollbridge.transport.inprocess import ByHost

KEYS: list[tuple[Section, str]] = [
    (
        GENERAL,
        """allow_public_health_readiness_details custom_key_policy custom_key_update
        custom_team_metadata_validate database_connection_pool_timeout
        disable_batch_input_file_rate_limiting disable_bedrock_agent_runtime_passthrough
        disable_custom_api_keys disable_key_generate_for_org_admin disable_model_info_refresh
        enable_drain_endpoint enforce_rbac expose_fallback_errors_to_caller
        fail_closed_budget_enforcement health_check_staleness_threshold role_permissions
        hide_default_credentials_hint mcp_allow_all_keys_respects_mcp_scope
        require_key_mcp_access_defined search_tools team_metadata_schema
        team_metadata_validation_error_message team_metadata_validation_timeout tracing
        track_unmanaged_batch_cost use_team_public_model_name""",
    ),
    (
        LITELLM,
        """websearch_interception_params code_interpreter_interception_params prompt_injection_params
        pre_call_rules post_call_rules model_alias_map num_retries_per_request api_version
        azure_content_safety_params budget_reset_time global_prompt_directory key_alias_pattern
        max_ui_session_budget presidio_logging_only responses scim_admin_group openai_key
        togetherai_api_key caching longer_context_model_fallback_dict output_parse_pii proxy_auth""",
    ),
    (
        PARAMS,
        """tiered_pricing timeout_by_service_tier stream_timeout_by_service_tier anthropic_federation_rule_id
        anthropic_keycloak_token_url openai_identity_token_file token_exchange_endpoint
        output_vector_size fireworks_forward_user_id regional_processing_uplift_multiplier_eu""",
    ),
    (TOP, "sandbox_tools agents worker_registry"),
]


@pytest.mark.parametrize(("section", "names"), KEYS, ids=[section.name for section, _ in KEYS])
def test_a_key_of_litellms_is_known(section: Section, names: str) -> None:
    assert [name for name in names.split() if section.key(name) is None] == []


@pytest.mark.parametrize(
    "text",
    [
        "general_settings: {allowed_ips: [10.0.0.1]}",
        "general_settings: {enforce_rbac: true}",
        "general_settings: {role_permissions: [{role: proxy_admin, models: [a]}]}",
        "general_settings: {require_key_mcp_access_defined: true}",
        "litellm_settings: {blocked_user_list: [u1]}",
        "litellm_settings: {validate_end_user_id_in_db: true}",
    ],
)
def test_what_would_keep_somebody_out_and_is_not_built_starts_no_gateway(tmp_path: Path, text: str) -> None:
    loaded = load_text(tmp_path, text)
    assert loaded.config is None
    [told] = said(loaded)
    assert "restricts who gets at something, which is not built" in told


def test_rules_for_calls_are_guards_which_there_are_none(tmp_path: Path) -> None:
    for name in ("pre_call_rules: file.rule", "prompt_injection_params: {heuristics_check: true}"):
        [told] = said(load_text(tmp_path, f"litellm_settings: {{{name}}}"))
        assert "asks for guards" in told


def test_prices_by_tiers_are_those_of_the_deployment(tmp_path: Path) -> None:
    text = """
        model_list:
          - model_name: a
            litellm_params:
              model: openai/a
              api_key: k
              tiered_pricing:
                - {range: [0, 32000], input_cost_per_token: 0.000001, output_cost_per_token: 0.000002}
                - {range: [32000, 128000], input_cost_per_token: 0.000003, output_cost_per_token: 0.000004}
    """
    loaded = load_text(tmp_path, text)
    assert said(loaded) == []
    assert config_of(loaded).models[0].prices == {
        "input": 1_000_000_000,
        "output": 2_000_000_000,
        "input>32000": 3_000_000_000,
        "output>32000": 4_000_000_000,
    }


@pytest.mark.parametrize(
    "tiers", ["3", "[3]", "[{range: [a, b], input_cost_per_token: 1}]", "[{range: [], input_cost_per_token: 1}]"]
)
def test_tiers_that_are_none_are_told(tmp_path: Path, tiers: str) -> None:
    text = f"model_list: [{{model_name: a, litellm_params: {{model: demo/a, tiered_pricing: {tiers}}}}}]"
    loaded = load_text(tmp_path, text)
    assert loaded.config is None
    assert "tiered_pricing" in said(loaded)[0]


def test_a_model_alias_map_says_what_a_deployments_model_is(tmp_path: Path) -> None:
    text = """
        model_list: [{model_name: a, litellm_params: {model: ours, api_key: k}}]
        litellm_settings: {model_alias_map: {ours: openai/gpt-4.1}}
    """
    loaded = load_text(tmp_path, text)
    assert said(loaded) == []
    assert config_of(loaded).models[0].model == "openai/gpt-4.1"


def test_retries_in_all_are_the_operators(tmp_path: Path) -> None:
    config = config_of(load_text(tmp_path, "litellm_settings: {num_retries_per_request: 3}"))
    assert engine_of(config, Groups([]), ByHost({}, None)).policy.retries_in_all == 3  # type: ignore[arg-type]
