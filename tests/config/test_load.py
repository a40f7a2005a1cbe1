from __future__ import annotations

import pickle
from pathlib import Path

import msgspec
import pytest

from tests.config.loading import GOOD_KEY, config_of, load_text, said
from tests.shared import SHARED
from tollbridge.config.load import load
from tollbridge.config.settings import Alias, Config


def test_without_a_file_the_configuration_says_nothing() -> None:
    loaded = load(None, {"A": "1"})
    assert (config_of(loaded).models, config_of(loaded).source, loaded.findings) == ((), None, ())
    assert loaded.environ["A"] == "1"


def test_an_empty_file_is_fine(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "# nothing yet\n")
    assert (config_of(loaded).models, loaded.findings) == ((), ())
    assert config_of(loaded).files == (tmp_path / "config.yaml",)


def test_a_file_that_is_not_there_is_an_error_with_a_place(tmp_path: Path) -> None:
    loaded = load(tmp_path / "none.yaml", {})
    assert loaded.config is None
    assert said(loaded) == ["none.yaml:1:1: error: cannot be read: No such file or directory"]
    assert "cannot be read" in said(load(tmp_path, {}))[0]


def test_a_file_in_another_encoding_is_an_error_at_the_byte(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(b"a: 1\nb: caf\xe9\n")
    assert said(load(file, {})) == ["config.yaml:2:7: error: is not UTF-8: save the file in that encoding"]
    file.write_text("general_settings: {strict: true}\n", encoding="utf-16")
    assert config_of(load(file, {})).general.strict


def test_all_core_keys_reach_their_settings(tmp_path: Path) -> None:
    for name in ("ca.pem", "client.pem"):
        (tmp_path / name).write_text("x")
    loaded = load_text(
        tmp_path,
        f"""
        model_list:
          - model_name: a
            litellm_params: {{model: openai/a}}
          - model_name: b
            litellm_params: {{model: openai/b}}
        litellm_settings:
          drop_params: true
          modify_params: true
          request_timeout: 60
          set_verbose: true
          json_logs: true
          ssl_verify: ca.pem
          ssl_certificate: client.pem
          default_fallbacks: [b]
        router_settings:
          routing_strategy: simple-shuffle
          num_retries: 4
          stream_timeout: 30
          retry_after: 2
          allowed_fails: 7
          cooldown_time: 12.5
          enable_pre_call_checks: true
          max_fallbacks: 2
          fallbacks: [{{a: [b]}}]
          context_window_fallbacks: {{a: b}}
          content_policy_fallbacks: [{{"*": [b]}}]
          retry_policy: {{TimeoutErrorRetries: 1, RateLimitErrorRetries: 5}}
          model_group_alias: {{best: a, quiet: {{model: b, hidden: true}}}}
        general_settings:
          master_key: {GOOD_KEY}
          max_request_size_mb: 8
          litellm_key_header_name: X-Team-Key
          forward_client_headers_to_llm_api: true
          cancel_on_disconnect: false
          always_include_stream_usage: true
          max_concurrent_streams: 50
          drains_max: 0
          drain_s: 7.5
          heartbeat_s: 5
          shutdown_grace_s: 0
          metrics_token: m-1
          public_url: https://gateway.example.com/
          root_path: /llm
          trusted_proxies: [10.0.0.0/8, "::1"]
          strict: true
          cors: {{origins: ["https://app.example.com"], credentials: true, max_age_s: 60}}
          timeouts: {{connect_s: 2, gap_s: 20}}
          limits: {{head_bytes: 9000, idle_s: 10}}
          proxies: {{https: "http://user:pw@proxy:3128", no_proxy: [localhost]}}
        """,
    )
    config = config_of(loaded)
    assert loaded.findings == ()
    settings, router, general = config.settings, config.router, config.general
    assert (settings.drop_params, settings.modify_params, settings.verbose) == (True, True, True)
    assert (settings.ssl_verify, settings.ssl_certificate) == (str(tmp_path / "ca.pem"), str(tmp_path / "client.pem"))
    assert (router.retries, router.timeout_s, router.stream_timeout_s, router.retry_after_s) == (4, 60.0, 30.0, 2.0)
    assert (router.allowed_fails, router.cooldown_s, router.check_context, router.max_fallbacks) == (7, 12.5, True, 2)
    assert (router.fallbacks, router.context_window_fallbacks) == ({"a": ("b",)}, {"a": ("b",)})
    assert (router.content_policy_fallbacks, router.default_fallbacks) == ({"*": ("b",)}, ("b",))
    assert router.retry_policy == {"TimeoutErrorRetries": 1, "RateLimitErrorRetries": 5}
    assert router.aliases == {"best": Alias("a"), "quiet": Alias("b", hidden=True)}
    assert general.master_key is not None
    assert general.metrics_token is not None
    assert general.proxies.https is not None
    assert (general.master_key.reveal(), general.metrics_token.reveal()) == (GOOD_KEY, "m-1")
    assert (general.max_request_size_mb, general.key_header_name) == (8.0, "X-Team-Key")
    assert (general.forward_client_headers, general.cancel_on_disconnect) == (True, False)
    assert (general.always_include_stream_usage, general.max_concurrent_streams) == (True, 50)
    assert (general.drains_max, general.drain_s) == (0, 7.5)
    assert (general.heartbeat_s, general.shutdown_grace_s, general.strict) == (5.0, 0.0, True)
    assert (general.public_url, general.root_path) == ("https://gateway.example.com", "/llm")
    assert general.trusted_proxies == ("10.0.0.0/8", "::1")
    assert (general.cors.origins, general.cors.credentials, general.cors.max_age_s) == (
        ("https://app.example.com",),
        True,
        60,
    )
    assert (general.timeouts.connect_s, general.timeouts.gap_s, general.timeouts.total_s) == (2.0, 20.0, None)
    assert (general.limits.head_bytes, general.limits.idle_s, general.limits.body_s) == (9000, 10.0, None)
    assert (general.proxies.https.reveal(), general.proxies.no_proxy) == ("http://user:pw@proxy:3128", ("localhost",))


def test_defaults_are_litellms() -> None:
    router = Config().router
    assert (router.retries, router.timeout_s, router.allowed_fails, router.cooldown_s) == (2, 6000.0, 3, 5.0)
    assert (router.strategy, router.max_fallbacks) == ("simple-shuffle", 5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "general_settings: {max_request_size_mb: ten}",
            "1:41: error: general_settings.max_request_size_mb: expected a number, got 'ten'",
        ),
        (
            "general_settings: {max_request_size_mb: -1}",
            "1:41: error: general_settings.max_request_size_mb: must not be negative",
        ),
        (
            "general_settings: {heartbeat_s: 0}",
            "1:33: error: general_settings.heartbeat_s: must be greater than 0 seconds",
        ),
        (
            "general_settings: {heartbeat_s: .nan}",
            "1:33: error: general_settings.heartbeat_s: expected a number of seconds, got '.nan'",
        ),
        (
            "general_settings: {strict: perhaps}",
            "1:28: error: general_settings.strict: expected true or false, got 'perhaps'",
        ),
        ("general_settings: {cors: [x]}", "1:26: error: general_settings.cors: expected a table, got a list"),
        (
            "general_settings: {cors: {orgins: x}}",
            "1:27: error: general_settings.cors.orgins: is not a known key; did you mean `origins`?",
        ),
        (
            "general_settings: {public_url: gateway}",
            "1:32: error: general_settings.public_url: expected a URL that begins with https:// or http://",
        ),
        (
            "general_settings: {trusted_proxies: [10.0.0.0/33]}",
            "1:38: error: general_settings.trusted_proxies[0]: expected an address or a network such as 10.0.0.0/8",
        ),
        ("general_settings: {tls: {cert: a.pem}}", "1:25: error: general_settings.tls: lacks `key`"),
        (
            "general_settings: {master_key: {a: b}}",
            "1:32: error: general_settings.master_key: expected text, got a table",
        ),
        ("general_settings: [a]", "1:19: error: general_settings: expected a table, got a list"),
        (
            "router_settings: {num_retries: 1.5}",
            "1:32: error: router_settings.num_retries: expected a whole number, got '1.5'",
        ),
        (
            "router_settings: {num_retries: yes}",
            "1:32: error: router_settings.num_retries: expected a whole number, got yes",
        ),
        (
            "router_settings: {fallbacks: [a]}",
            "1:31: error: router_settings.fallbacks[0]: expected {model: [models]}, got 'a'",
        ),
        (
            "router_settings: {routing_strategy: least-bussy}",
            "1:37: error: router_settings.routing_strategy: 'least-bussy' is no strategy; did you mean least-busy?",
        ),
        (
            "router_settings: {num_retris: 1}",
            "1:19: error: router_settings.num_retris: is not a known key; did you mean `num_retries`?",
        ),
        (
            "router_settings: {drop_params: true}",
            "1:19: error: router_settings.drop_params: is not a key of router_settings; it belongs in litellm_settings",
        ),
        (
            "router_settings: {Master-Key: x}",
            "1:19: error: router_settings.Master-Key: is not a known key; did you mean `master_key` in",
        ),
        ("router_settings: {zzz: x}", "1:19: error: router_settings.zzz: is not a known key of router_settings"),
        ("num_retries: 1", "1:1: error: num_retries: is not a key of the file; it belongs in router_settings"),
        ("model-list: []", "1:1: error: model-list: is not a known key; did you mean `model_list`?"),
        ("- a\n- b", "1:1: error: expected sections such as `model_list:`"),
        ("model_list: {a: b}", "1:13: error: model_list: expected a list of models, got a table"),
        ("environment_variables: [a]", "1:24: error: environment_variables: expected a table, got a list"),
        (
            "mcp_servers: yes",
            "1:14: error: mcp_servers: expected servers by name, or a list of them, got yes",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    loaded = load_text(tmp_path, text)
    assert loaded.config is None
    assert said(loaded)[0].startswith(f"config.yaml:{expected}")


def test_all_errors_are_told_in_one_run(tmp_path: Path) -> None:
    text = """
        router_settings: {num_retries: x, timeout: y}
        general_settings: {strict: z, nothing: 1}
        model_list:
          - model_name: a
          - litellm_params: {model: openai/b, temprature: 1}
    """
    assert [line.partition(": error: ")[2].partition(":")[0] for line in said(load_text(tmp_path, text))] == [
        "router_settings.num_retries",
        "router_settings.timeout",
        "general_settings.strict",
        "general_settings.nothing",
        "model_list[0]",
        "model_list[1]",
        "model_list[1].litellm_params.temprature",
    ]


def test_text_that_spells_a_number_or_a_truth_value_is_one(tmp_path: Path) -> None:
    text = "router_settings: {num_retries: '3', timeout: '1e2'}\ngeneral_settings: {strict: 'True', root_path: 5}\n"
    config = config_of(load_text(tmp_path, text))
    assert (config.router.retries, config.router.timeout_s) == (3, 100.0)
    assert (config.general.strict, config.general.root_path) == (True, "5")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "router_settings: {routing_strategy: latency-based-routing}",
            "router_settings.routing_strategy: latency-based-routing is not built yet; simple-shuffle is used",
        ),
        ("litellm_settings: {cache: true}", "litellm_settings.cache: is not built yet; nothing is cached"),
        (
            "general_settings: {max_response_size_mb: 5}",
            "general_settings.max_response_size_mb: is not built yet; NOTHING IS RESTRICTED by it",
        ),
        ("callbacks: [langfuse]", "callbacks: 'langfuse' is not built yet; nothing is called"),
        ("callbacks: .inf", "callbacks: '.inf' is not built yet; nothing is called"),
        (
            "callbacks: [hook.instance]",
            "callbacks: 'hook.instance': there is no hook.py beside this file; nothing is called",
        ),
        (
            "mcp_servers: {a: {url: 'https://x.example/sse', pinned_tools: [x]}}",
            "mcp_servers.a.pinned_tools: is not built yet; NOTHING IS RESTRICTED by it",
        ),
        (
            "mcp_servers: [{server_name: a, url: 'https://x.example/sse', auth_type: oauth_delegate}]",
            "mcp_servers[0].auth_type: is not built yet; the server is asked without a credential",
        ),
    ],
)
def test_a_known_key_whose_feature_is_not_built_is_a_named_warning(tmp_path: Path, text: str, expected: str) -> None:
    loaded = load_text(tmp_path, text)
    assert loaded.config is not None
    assert [finding.partition(": warning: ")[2] for finding in said(loaded)] == [expected]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("router_settings: {routing_strategy: usage-based-routing-v2}", "`rpm` and `tpm` of deployments ARE NOT HELD"),
        ("router_settings: {optional_pre_call_checks: [enforce_model_rate_limits]}", "NOTHING IS RESTRICTED"),
        ("litellm_settings: {upperbound_key_generate_params: {max_budget: 1}}", "NOTHING IS RESTRICTED"),
        ("litellm_settings: {default_key_generate_params: {max_budget: 1}}", "NOTHING IS RESTRICTED"),
        ("litellm_settings: {callbacks: [prometheus]}", "metrics are at `/metrics`"),
        ("litellm_settings: {success_callback: [prometheus]}", "metrics are at `/metrics`"),
        ("litellm_settings: {mcp_aliases: {d: desc}}\nmcp_servers: {desk: {command: 'true'}}", "did you mean `desk`?"),
    ],
)
def test_a_limit_that_is_not_held_and_a_name_of_nobody_are_told_as_such(tmp_path: Path, text: str, told: str) -> None:
    loaded = load_text(tmp_path, text)
    [finding] = loaded.findings
    assert loaded.config is not None
    assert told in str(finding)
    assert finding.column > 1


def test_of_several_words_each_is_told_by_itself_and_the_rest_once(tmp_path: Path) -> None:
    text = "router_settings: {optional_pre_call_checks: [prompt_caching, router_budget_limiting, session_affinity]}"
    told = [str(finding) for finding in load_text(tmp_path, text).findings]
    assert len(told) == 2
    assert "NOTHING IS RESTRICTED" in told[1]
    assert "it has no effect" in told[0]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("guardrails: [{guardrail_name: pii, litellm_params: {guardrail: presidio}}]", "guardrails"),
        ("policies: {all: {guardrails: {add: [pii]}}}", "policies"),
        ("policy_attachments: [{policy: all}]", "policy_attachments"),
        ("litellm_settings: {guardrails: [{pii: {callbacks: [presidio]}}]}", "litellm_settings.guardrails"),
        ("litellm_settings: {banned_keywords_list: [x]}", "litellm_settings.banned_keywords_list"),
        ("litellm_settings: {callbacks: [presidio]}", "litellm_settings.callbacks: 'presidio'"),
        ("callbacks: llamaguard_moderations", "callbacks: 'llamaguard_moderations'"),
        ("router_settings: {guardrail_list: [{guardrail_name: a}]}", "router_settings.guardrail_list"),
        (
            "model_list: [{model_name: m, litellm_params: {model: demo/hello, guardrails: [pii]}}]",
            "model_list[0].litellm_params.guardrails",
        ),
        (
            "general_settings: {pass_through_endpoints: [{path: /p, target: 'https://x.example', guardrails: {a: }}]}",
            "general_settings.pass_through_endpoints[0].guardrails",
        ),
    ],
)
def test_guards_are_refused_by_name_wherever_they_are_asked_for(tmp_path: Path, text: str, where: str) -> None:
    """S62: there are none, so that no request, batch, session or tool call passes one that it should not."""
    loaded = load_text(tmp_path, text)
    assert loaded.config is None
    errors = [
        finding.partition(": error: ")[2].partition(" asks for guards")[0].rstrip(":") for finding in said(loaded)
    ]
    assert errors == [where]


def test_switching_off_guards_says_nothing(tmp_path: Path) -> None:
    assert load_text(tmp_path, "{guardrails: [], litellm_settings: {guardrails: }, policies: {}}").findings == ()


def test_switching_off_what_is_not_built_needs_no_warning(tmp_path: Path) -> None:
    text = """
        litellm_settings: {cache: false, callbacks: [], max_budget: 0}
        general_settings: {store_model_in_db: 'False'}
    """
    assert load_text(tmp_path, text).findings == ()


def test_what_the_router_settings_say_holds_over_the_litellm_settings(tmp_path: Path) -> None:
    text = """
        litellm_settings: {num_retries: 1, request_timeout: 10, allowed_fails: 2}
        router_settings: {num_retries: 3, timeout: 20, allowed_fails: 2}
    """
    loaded = load_text(tmp_path, text)
    assert (config_of(loaded).router.retries, config_of(loaded).router.timeout_s) == (3, 20.0)
    assert said(loaded) == [
        "config.yaml:2:20: warning: litellm_settings.num_retries: router_settings.num_retries says otherwise, and wins",
        "config.yaml:2:36: warning: litellm_settings.request_timeout: router_settings.timeout says otherwise, and wins",
    ]


def test_own_keys_for_anchors_may_stand_at_the_top(tmp_path: Path) -> None:
    text = """
        x-openai: &openai
          api_key: k
          timeout: 5
        _other: [1]
        model_list:
          - model_name: a
            litellm_params: {<<: *openai, model: openai/a, timeout: 9}
    """
    loaded = load_text(tmp_path, text)
    (entry,) = config_of(loaded).models
    assert (entry.timeout_s, loaded.findings) == (9.0, ())


def test_an_error_in_an_anchor_is_told_once_and_where_it_stands(tmp_path: Path) -> None:
    text = """
        x-base: &base {temprature: 1}
        model_list:
          - {model_name: a, litellm_params: {<<: *base, model: openai/a}}
          - {model_name: b, litellm_params: {<<: *base, model: openai/b}}
    """
    assert [line[:19] for line in said(load_text(tmp_path, text))] == ["config.yaml:2:16: e"]


@pytest.mark.parametrize("key", ["sk-1234", "changeme", "sk-short", "sk-aaaaaaaaaaaaaaaaaaaa", "sk-1234567890"])
def test_a_weak_master_key_is_refused_unless_the_door_is_open(tmp_path: Path, key: str) -> None:
    text = f"general_settings: {{master_key: {key}}}\n"
    (finding,) = load_text(tmp_path, text).findings
    assert (finding.severity, finding.line, finding.column) == ("error", 1, 32)
    assert key not in finding.message
    assert load_text(tmp_path, text, open_door=True).findings == ()
    assert load_text(tmp_path, f"general_settings: {{master_key: {key}, open_on_loopback: true}}").findings == ()


def test_names_that_lead_nowhere_are_warnings_with_near_ones(tmp_path: Path) -> None:
    text = """
        model_list:
          - {model_name: gpt-4o, litellm_params: {model: openai/gpt-4o}}
          - {model_name: "claude-*", litellm_params: {model: "anthropic/claude-*"}}
        router_settings:
          fallbacks: [{gpt-4o: [claude-x, gpt-4, gpt-4o]}, {best: [claude-y]}, {other: [gpt-4o]}]
          default_fallbacks: [gpt-4o-mni]
          model_group_alias: {best: gpt-4o, worst: gpt-5, gpt-4o: claude-z}
    """
    assert [line.partition(": warning: ")[2] for line in said(load_text(tmp_path, text))] == [
        "router_settings.fallbacks: no model is called 'gpt-4'; did you mean gpt-4o?",
        "router_settings.fallbacks: 'gpt-4o' falls back to itself",
        "router_settings.fallbacks: no model is called 'other'",
        "router_settings.default_fallbacks: no model is called 'gpt-4o-mni'; did you mean gpt-4o?",
        "router_settings.model_group_alias.worst: no model is called 'gpt-5'; did you mean gpt-4o?",
        "router_settings.model_group_alias.gpt-4o: there is a model called 'gpt-4o', which is used; the alias is not",
    ]


def test_an_access_group_that_is_called_like_a_model_or_an_alias_is_a_warning(tmp_path: Path) -> None:
    text = """
        model_list:
          - {model_name: premium, litellm_params: {model: openai/gpt-4o}}
          - {model_name: opus, litellm_params: {model: openai/o3}, model_info: {access_groups: [premium, best, rest]}}
          - {model_name: own, litellm_params: {model: openai/o1}, model_info: {access_groups: [own]}}
        router_settings:
          model_group_alias: {best: opus}
    """
    assert [
        line.partition(": warning: ")[2].partition(" is called")[0] for line in said(load_text(tmp_path, text))
    ] == [
        "model_list: the access group 'premium'",
        "model_list: the access group 'best'",
    ]


def test_providers_of_ones_own_are_checked_and_passed_on(tmp_path: Path) -> None:
    rows = """
        providers:
          - {name: inhouse, wire: openai_chat, base_url: "http://10.0.0.5:8000/v1", api_key: k, drops: [user]}
          - {name: inhouse, base_url: "http://b/v1"}
          - {name: a/b, base_url: "http://b/v1"}
          - {name: c, base_url: "http://b/v1", wires: x}
          - {name: d}
          - {name: e, base_url: "ftp://b", wire: openai_chat}
    """
    lines = [line.partition(": error: ")[2] for line in said(load_text(tmp_path, rows))]
    assert [line.split(":")[0] for line in lines] == [f"providers[{n}]" for n in (1, 2)] + [
        "providers[3].wires",
        "providers[4]",
        "providers[5]",
    ]
    good = """
        providers: {inhouse: {base_url: "http://10.0.0.5:8000/v1", api_key: os.environ/K, headers: {x-a: b}}}
        model_list: [{model_name: a, litellm_params: {model: inhouse/a}}]
    """
    loaded = load_text(tmp_path, good, {"K": "v"})
    assert loaded.findings == ()
    (row,) = config_of(loaded).providers
    assert (row["name"], row["api_key"].reveal(), row["headers"]) == ("inhouse", "v", {"x-a": "b"})


def test_tls_files_stand_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    text = "general_settings: {tls: {cert: cert.pem, key: key.pem}}\n"
    assert "there is no file" in said(load_text(tmp_path, text))[0]
    (tmp_path / "key.pem").write_text("-----BEGIN EC PRIVATE KEY-----\n")
    tls = config_of(load_text(tmp_path, text)).general.tls
    assert tls is not None
    assert (tls.cert, tls.key, tls.client_ca) == (tmp_path / "cert.pem", tmp_path / "key.pem", None)


def test_a_file_without_a_private_key_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    loaded = load_text(tmp_path, "general_settings: {tls: {cert: cert.pem, key: cert.pem}}\n")
    assert loaded.config is None
    told = f"there is no private key in {tmp_path / 'cert.pem'} (PEM: `-----BEGIN PRIVATE KEY-----`)"
    assert [f.message for f in loaded.findings] == [f"{told}; what is: certificate"]
    assert (loaded.findings[0].path, loaded.findings[0].column) == ("general_settings.tls.key", 47)


def test_not_checking_certificates_is_said_aloud(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "litellm_settings: {ssl_verify: false}\n")
    assert config_of(loaded).settings.ssl_verify is False
    assert "providers' certificates are NOT CHECKED" in said(loaded)[0]
    assert "there is no file" in said(load_text(tmp_path, "litellm_settings: {ssl_verify: none.pem}\n"))[0]


def test_no_secret_is_shown_by_findings_or_by_values(tmp_path: Path) -> None:
    canary = "canary7f3e9a"
    text = f"""
        environment_variables: {{A: {canary}, B: [{canary}]}}
        model_list:
          - model_name: a
            litellm_params:
              model: openai/a
              api_key: {canary}
              aws_secret_access_key: {canary}
              api_base: https://{canary}:x@host/v1
              extra_headers: {{authorization: Bearer {canary}}}
          - {{model_name: b, litellm_params: {{model: openai/b, api_key: [{canary}], timeout: os.environ/A}}}}
        general_settings: {{master_key: {canary}, metrics_token: !{canary} x}}
        mcp_servers: {{m: "https://host/mcp/{canary}/sse"}}
    """
    for broken in (text, text.replace("!", "*"), text.replace("!", "&x ")):
        loaded = load_text(tmp_path, broken)
        assert loaded.config is None
        assert canary not in " ".join(said(loaded))
    good = "\n".join(text.replace(canary, canary * 2).split("\n")[2:9])
    config = config_of(load_text(tmp_path, good))
    assert canary not in f"{config!r} {config} {config.models!r}"
    assert canary not in repr(config.models[0].api_key) + repr(config.models[0].params)
    assert canary.encode() not in pickle.dumps(config.models[0].params)
    with pytest.raises(TypeError):
        msgspec.json.encode(config.models[0].api_key)


# The configurations of the published pages, in our own words: the same sections, other values.
PUBLISHED = {
    "002": """
        model_list:
          - model_name: gpt-4o
            litellm_params:
              model: openai/gpt-4o
              api_key: sk-xxxxxxx

        mcp_servers:
          {
            "zapier_mcp": {
              "url": "https://tools.example.com/mcp/sk-akxxxxx/sse"
            },
            "fetch": {
              "url": "http://localhost:8000/sse"
            }
          }
    """,
    "004, header": """
        model_list:
          - model_name: gpt-4o
            litellm_params:
              model: openai/gpt-4o
              api_key: sk-xxxxxxx

        general_settings:
          mcp_client_side_auth_header_name: "authorization"
    """,
    "004, hook": """
        model_list:
          - model_name: gpt-4o
            litellm_params:
              model: openai/gpt-4o
              api_key: sk-xxxxxxx

        # the hook
        callbacks:
          - custom_mcp_hook.custom_mcp_cost_tracker

        mcp_servers:
          zapier_server:
            url: "https://tools.example.com/mcp/sk-xxxxx/sse"
    """,
}


@pytest.mark.parametrize("text", PUBLISHED.values(), ids=PUBLISHED)
def test_the_published_configurations_load(tmp_path: Path, text: str) -> None:
    (tmp_path / "custom_mcp_hook.py").touch()
    loaded = load_text(tmp_path, text)
    (entry,) = config_of(loaded).models
    assert (entry.model_name, entry.model, entry.disabled) == ("gpt-4o", "openai/gpt-4o", None)
    assert said(loaded) == []


def test_the_published_lines_are_those_that_the_tests_follow() -> None:
    pages = "\n".join(path.read_text() for path in sorted((SHARED / "seeds").glob("*.txt")))
    for text in PUBLISHED.values():
        keys = [line.split(":")[0].strip(" -\"'{") for line in text.splitlines() if ":" in line]
        assert [key for key in keys if f"{key}:" not in pages and f'"{key}":' not in pages] == []


def test_a_fallback_may_name_a_deployments_id(tmp_path: Path) -> None:
    text = """
        model_list:
          - {model_name: a, litellm_params: {model: openai/a, api_key: k}, model_info: {id: my-id}}
          - {model_name: b, litellm_params: {model: openai/b, api_key: k}}
        router_settings: {fallbacks: [{b: [my-id]}, {my-id: [b]}], default_fallbacks: [my-id, my-ib]}
    """
    [told] = said(load_text(tmp_path, text))
    assert "no model is called 'my-ib'" in told
