from pathlib import Path

import pytest

from tests.server.faults import configuration, entry
from tests.server.served import served
from tollbridge.assemble.gateway import rules
from tollbridge.config.settings import Config, GeneralSettings
from tollbridge.routing.plan import Policy
from tollbridge.server.controls import Controls
from tollbridge.server.reading import forwarded_headers, policy_for, wants_usage

CLIENT = {
    b"host": b"gateway",
    b"authorization": b"Bearer sk-secret",
    b"cookie": b"session=1",
    b"x-api-key": b"sk-secret",
    b"x-litellm-api-key": b"sk-secret",
    b"x-goog-api-key": b"sk-secret",
    b"x-forwarded-for": b"10.0.0.1",
    b"x-stainless-os": b"Linux",
    b"x-admin": b"1",
    b"anthropic-beta": b"tools-2024",
    b"traceparent": b"00-1-2-01",
}


def test_only_named_headers_go_upstream():
    assert dict(forwarded_headers(CLIENT)) == {"anthropic-beta": "tools-2024", "traceparent": "00-1-2-01"}


def test_where_the_operator_wants_it_x_headers_go_along_but_no_credentials():
    forwarded = dict(forwarded_headers(CLIENT, custom=True))
    assert forwarded == {"anthropic-beta": "tools-2024", "traceparent": "00-1-2-01", "x-admin": "1"}


def test_the_gateways_key_never_goes_along_wherever_the_operator_wants_it():
    sent = {**CLIENT, b"x-team-key": b"sk-secret"}
    assert "x-team-key" not in dict(forwarded_headers(sent, custom=True, key_header=b"x-team-key"))
    named = GeneralSettings(key_header_name="X-Team-Key", forward_client_headers=True)
    assert rules(Config(general=named)).key_header == b"x-team-key"


def test_a_drain_is_bounded_as_the_operator_says():
    said = rules(Config(general=GeneralSettings(cancel_on_disconnect=False, drains_max=0, drain_s=7.5)))
    assert (said.cancel_on_disconnect, said.drains_max, said.drain_s) == (False, 0, 7.5)
    assert (rules(Config()).drains_max, rules(Config()).drain_s) == (64, 60.0)


def test_a_client_may_ask_for_fewer_retries_and_less_time():
    policy = policy_for(Controls(timeout_s=3.0, retries=0), Policy(retries=5, deadline_s=600.0))
    assert (policy.retries, policy.deadline_s) == (0, 3.0)
    untouched = Policy()
    assert policy_for(Controls(), untouched) is untouched


def test_usage_in_a_stream_is_wanted_only_where_it_is_said():
    assert wants_usage({"stream_options": b'{"include_usage": true}'})
    assert not wants_usage({"stream_options": b'{"include_usage": false}'})
    assert not wants_usage({"stream_options": b"[1]"})
    assert not wants_usage({})


@pytest.mark.parametrize("body", [b"", b" \r\n"])
async def test_of_an_empty_body_it_is_said_that_it_is_empty(tmp_path: Path, body: bytes) -> None:
    paths = ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1beta/models/m:generateContent")
    async with served(configuration(entry("m", 9)), tmp_path) as gateway:
        for path in (*paths, "/v1/embeddings", "/v1/messages/count_tokens", "/v1/audio/transcriptions"):
            told = await gateway.post(path, body)
            assert told.status == 400
            assert told.json()["error"]["message"] == "The body is empty: it must be a JSON object."
        cut = await gateway.post(paths[0], b'{"model": "m"')
    assert "The body is not valid JSON" in cut.json()["error"]["message"]
