import msgspec
import pytest

from tollbridge.calls.ask import peek
from tollbridge.errors import BadRequestError
from tollbridge.server.controls import NOTHING, REFUSED, take_controls


def taken(body, headers=None, ours=True, streams=False):
    fields = peek(msgspec.json.encode(body))
    return take_controls(fields, headers or {}, metadata_is_ours=ours, streams=streams), set(fields)


def test_a_plain_request_steers_nothing():
    assert taken({"model": "m", "messages": []}) == (NOTHING, {"model", "messages"})


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_field_that_could_steer_a_credential_is_refused(name):
    with pytest.raises(BadRequestError, match=name):
        taken({"model": "m", name: "x"})


def test_our_fields_are_obeyed_and_do_not_go_upstream():
    controls, left = taken(
        {"model": "m", "timeout": 3, "num_retries": 0, "tags": ["a"], "fallbacks": ["n"], "user": "u1", "x": 1}
    )
    assert (controls.timeout_s, controls.retries, controls.tags, controls.fallbacks) == (3.0, 0, ("a",), ("n",))
    assert controls.user == "u1"
    assert left == {"model", "user", "x"}


@pytest.mark.parametrize(("streams", "timeout_s"), [(True, 9.0), (False, 3.0)])
def test_a_timeout_for_streams_holds_for_streams(streams, timeout_s):
    said = {"model": "m", "timeout": 3, "stream_timeout": 9}
    controls, left = taken(said, streams=streams)
    assert (controls.timeout_s, left) == (timeout_s, {"model"})
    headers = {b"x-litellm-timeout": b"3", b"x-litellm-stream-timeout": b"9"}
    assert taken({"model": "m"}, headers, streams=streams)[0].timeout_s == timeout_s


def test_who_wants_no_fallbacks_gets_none_whatever_else_is_said():
    said = {"model": "m", "fallbacks": ["n"], "disable_fallbacks": True}
    assert taken(said)[0].fallbacks == ()
    assert taken(dict(reversed(said.items())))[0].fallbacks == ()


def test_metadata_of_the_chat_dialect_is_ours_unless_it_is_to_be_stored():
    controls, left = taken({"model": "m", "metadata": {"tags": ["t"], "trace": 1}})
    assert controls.tags == ("t",)
    assert "metadata" not in left
    assert "metadata" in taken({"model": "m", "store": True, "metadata": {"a": "b"}})[1]


def test_metadata_of_the_messages_dialect_goes_on():
    assert "metadata" in taken({"model": "m", "metadata": {"user_id": "u"}}, ours=False)[1]


def test_headers_steer_too():
    headers = {b"x-litellm-timeout": b"2.5", b"x-litellm-num-retries": b"4", b"x-litellm-tags": b"a, b"}
    controls, _ = taken({"model": "m"}, headers)
    assert (controls.timeout_s, controls.retries, controls.tags) == (2.5, 4, ("a", "b"))


def test_who_asks_and_in_which_session_is_said_in_headers():
    headers = {b"x-litellm-end-user-id": b"u-2", b"x-litellm-session-id": b"s-1"}
    controls, _ = taken({"model": "m", "user": "u-1", "litellm_session_id": "s-0"}, headers)
    assert (controls.user, controls.trace) == ("u-2", "s-1")
    headers |= {b"x-litellm-customer-id": b"c-1", b"x-litellm-trace-id": b"t" * 300}
    controls, _ = taken({"model": "m"}, headers)
    assert (controls.user, controls.trace) == ("c-1", "t" * 256)


@pytest.mark.parametrize("metadata", [{"trace_id": "t"}, {"session_id": "t"}, {"trace_id": "t", "session_id": "s"}])
def test_who_asks_and_in_which_session_is_found_in_metadata(metadata):
    for name in ("metadata", "litellm_metadata"):
        controls, left = taken({"model": "m", name: {"user_id": "u", **metadata}})
        assert (controls.user, controls.trace, left) == ("u", "t", {"model"})
    assert taken({"model": "m", "user": "v", "metadata": {"user_id": "u"}})[0].user == "v"


def test_litellms_own_fields_are_logged_and_do_not_go_upstream():
    said = {"litellm_metadata": {"a": 1, "tags": ["t"]}, "litellm_trace_id": "t-1", "metadata": {"b": 2}}
    controls, left = taken({"model": "m", **said}, ours=False)
    assert controls.metadata == {"a": 1, "tags": ["t"], "b": 2}
    assert (controls.trace, controls.tags, left) == ("t-1", ("t",), {"model", "metadata"})


def test_what_the_spend_log_shall_tell_stands_beside_the_metadata():
    header = {b"x-litellm-spend-logs-metadata": b'{"project": "p"}'}
    assert taken({"model": "m"}, header)[0].metadata == {"spend_logs_metadata": {"project": "p"}}
    both = taken({"model": "m", "metadata": {"a": 1}}, header)[0].metadata
    assert both == {"a": 1, "spend_logs_metadata": {"project": "p"}}
    odd = taken({"model": "m", "metadata": "x"}, header)[0].metadata
    assert odd == {"metadata": "x", "spend_logs_metadata": {"project": "p"}}
    long = {b"x-litellm-spend-logs-metadata": b'{"a": "%s"}' % (b"x" * 5000)}
    assert taken({"model": "m"}, long)[0].metadata == {"spend_logs_metadata": "5009 bytes: too many to log"}


@pytest.mark.parametrize("value", [b"{", b"[1]", b'"x"', b"\xff"])
def test_a_spend_log_header_that_is_no_object_is_named(value):
    with pytest.raises(BadRequestError, match="x-litellm-spend-logs-metadata"):
        taken({"model": "m"}, {b"x-litellm-spend-logs-metadata": value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", "soon"),
        ("timeout", -1),
        ("timeout", True),
        ("additional_drop_params", 3),
        ("extra_body", "x"),
        ("extra_body", {"extra_body": {}}),
        ("cache_control_injection_points", "system"),
        ("cache_control_injection_points", [{"role": "robot"}]),
        ("num_retries", 1.5),
        ("num_retries", 1000),
        ("tags", "a"),
        ("tags", [1]),
        ("fallbacks", [{}]),
        ("fallbacks", ["m"] * 20),
    ],
)
def test_an_ill_typed_field_is_named(name, value):
    with pytest.raises(BadRequestError, match=name):
        taken({"model": "m", name: value})


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("guardrails", ["pii"]),
        ("guardrails", "pii"),
        ("guardrails", [{"pii": {"extra_body": {"language": "en"}}}]),
        ("metadata", {"guardrails": ["pii"]}),
        ("metadata", {"guardrails": {"pii": True, "other": False}}),
        ("litellm_metadata", {"guardrails": ["pii"]}),
    ],
)
def test_a_request_that_wants_to_be_checked_is_refused(field, said):
    """S62."""
    with pytest.raises(BadRequestError, match=r"no guards here.*guardrails") as caught:
        taken({"model": "m", field: said})
    assert caught.value.code == "guards_not_built"


def test_a_field_of_a_providers_that_is_called_the_same_goes_on():
    said = [{"block_on_error": True, "moderation_llm_v1": {"action": "block"}}]
    assert taken({"model": "m", "guardrails": said}) == (NOTHING, {"model", "guardrails"})
    assert taken({"model": "m", "metadata": {"guardrails": {"pii": False}}})[0].metadata == {
        "guardrails": {"pii": False}
    }


def test_what_nothing_comes_of_is_left_out_and_told():
    controls, left = taken(
        {"model": "m", "no-log": True, "vector_store_ids": ["v"], "input_cost_per_token": 1, "langfuse_secret": "s"}
        | {"caching": False, "model_info": {}, "x": 1}
    )
    assert left == {"model", "x"}
    assert controls.ineffective == ("input_cost_per_token", "langfuse_secret", "no-log", "vector_store_ids")


def test_names_that_providers_have_too_go_on():
    said = {
        "model": "m",
        "caching": {"type": "enabled"},
        "priority": 1,
        "ttl": 300,
        "roles": [],
        "cache": True,
        "id": "x",
        "weight": 2,
    }
    assert taken(said) == (NOTHING, set(said))


@pytest.mark.parametrize(
    ("cache", "told"), [({"no-cache": True}, ()), ({"no-store": True, "ttl": 3}, ("cache",)), ({}, ())]
)
def test_what_is_said_of_litellms_cache_stays_here(cache, told):
    controls, left = taken({"model": "m", "cache": cache})
    assert (controls.ineffective, left) == (told, {"model"})


def test_limits_under_their_other_names_are_obeyed():
    controls, left = taken({"model": "m", "request_timeout": 3, "max_retries": 2})
    assert (controls.timeout_s, controls.retries, left) == (3.0, 2, {"model"})
    controls, _ = taken({"model": "m", "request_timeout": 3, "timeout": 4, "max_retries": 2, "num_retries": 0})
    assert (controls.timeout_s, controls.retries) == (4.0, 0)


def test_a_client_names_what_it_does_not_want_sent():
    controls, left = taken({"model": "m", "seed": 1, "top_p": 1, "additional_drop_params": ["seed", "model", "absent"]})
    assert (controls.ineffective, left) == ((), {"model", "top_p"})
    controls, left = taken({"model": "m", "tools": [], "additional_drop_params": ["tools[*].strict"]})
    assert (controls.ineffective, left) == (("additional_drop_params",), {"model", "tools"})


def test_what_stands_in_extra_body_is_meant_beside_it():
    controls, left = taken(
        {"model": "m", "top_k": 1, "extra_body": {"top_k": 2, "num_retries": 3, "stream": True, "y": 1}}
    )
    assert (controls.retries, left) == (3, {"model", "top_k", "y"})
    with pytest.raises(BadRequestError, match="api_base"):
        taken({"model": "m", "extra_body": {"api_base": "http://x"}})


def test_a_header_of_the_operators_names_the_user_where_no_usual_one_does():
    own = {b"x-user": b"u1"}
    controls, _ = taken({"model": "m", "user": "u0"}, own)
    assert controls.user == "u0"
    fields = peek(msgspec.json.encode({"model": "m", "user": "u0"}))
    assert take_controls(fields, own, metadata_is_ours=True, user_header=b"x-user").user == "u1"
    usual = {**own, b"x-litellm-end-user-id": b"u2"}
    assert take_controls(fields, usual, metadata_is_ours=True, user_header=b"x-user").user == "u2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", "x"),
        ("stream_timeout", -1),
        ("num_retries", 99),
        ("tags", "x"),
        ("drop_params", "x"),
        ("fallbacks", 5),
    ],
)
def test_the_param_of_a_refusal_is_a_fields_name_as_providers_have_it(name, value):
    with pytest.raises(BadRequestError) as refused:
        taken({"model": "m", name: value})
    assert refused.value.param == name
    assert f"at `$.{name}`" in refused.value.message


def test_whose_request_it_is_may_be_said_in_each_of_litellms_ways() -> None:
    def user(**fields: object) -> str | None:
        raw = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
        return take_controls(raw, {}, metadata_is_ours=True).user

    ours, theirs = {"user": "a"}, {"user_id": "b"}
    assert user(litellm_metadata=ours) == user(litellm_metadata='{"user": "a"}') == "a"
    assert user(litellm_metadata=ours, metadata=theirs, safety_identifier="c") == "a"
    assert user(metadata=theirs, safety_identifier="c") == "b"
    assert user(safety_identifier="c") == "c"
    assert user(user="d", litellm_metadata=ours, metadata=theirs, safety_identifier="c") == "d"


def test_no_tags_may_be_null():
    for name in ("metadata", "litellm_metadata"):
        assert taken({name: {"tags": None, "a": 1}})[0].metadata == {"tags": None, "a": 1}


def test_tags_may_stand_in_a_header_of_that_name() -> None:
    assert taken({}, {b"tags": b"a, b"})[0].tags == ("a", "b")
    assert taken({}, {b"tags": b"a", b"x-litellm-tags": b"c"})[0].tags == ("c",)
