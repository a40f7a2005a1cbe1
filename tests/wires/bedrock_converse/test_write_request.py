"""What a request of another dialect becomes, where the recordings do not show it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.wires.bedrock_converse import valid
from tollbridge.model.parts import CacheMark, FileRef, Inline, Media, Opaque, Text, Thinking, ToolCall, ToolResult, Url
from tollbridge.model.request import Message, OutputFormat, Reasoning, Request, Sampling, Tool, ToolChoice
from tollbridge.model.response import Caveat
from tollbridge.wires.base import Target
from tollbridge.wires.bedrock_converse import BEDROCK_CONVERSE as WIRE
from tollbridge.wires.bedrock_converse.vocabulary import ANSWER_TOOL, NAME

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
CLAUDE_37 = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"
CLAUDE_OPUS = "us.anthropic.claude-opus-4-8"
SONNET_5_5 = "us.anthropic.claude-sonnet-5-5"
NOVA = "us.amazon.nova-pro-v1:0"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
LLAMA = "us.meta.llama3-3-70b-instruct-v1:0"
MISTRAL = "mistral.mistral-large-2402-v1:0"
GPT = "openai.gpt-oss-120b-1:0"
QWEN = "qwen.qwen3-32b-v1:0"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
TOOL = Tool(name="look", description="Looks.", schema=SCHEMA)
ASKED = Message(role="user", parts=(Text(text="Hello"),))
CALLED = (
    ASKED,
    Message(role="assistant", parts=(ToolCall(id="c1", name="look", arguments='{"a":"x"}'),)),
    Message(role="user", parts=(ToolResult(call_id="c1", content=(Text(text="seen"),)),)),
)


def written(model: str = CLAUDE, lacks: tuple[str, ...] = (), **said: Any) -> tuple[dict[str, Any], list[Caveat]]:
    request = Request(model="m", messages=said.pop("messages", (ASKED,)), origin="openai_chat", **said)
    found = WIRE.write_request(request, Target(model=model, lacks=frozenset(lacks), account="me"))
    assert not valid.faults(found.value.body), valid.faults(found.value.body)
    return found.value.body, list(found.caveats)


def content(*parts: Any, model: str = CLAUDE) -> tuple[list[Any], list[Caveat]]:
    body, caveats = written(model, messages=(Message(role="user", parts=parts),))
    return body["messages"][0]["content"], caveats


def additional(model: str, **said: Any) -> tuple[dict[str, Any], list[str]]:
    body, caveats = written(model, **said)
    return body.get("additionalModelRequestFields", {}), [caveat.where for caveat in caveats]


def test_a_plain_request_is_nothing_but_its_messages() -> None:
    body, caveats = written()
    assert body == {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
    assert caveats == []


def test_the_model_and_the_stream_stand_in_the_path() -> None:
    request = Request(model="m", messages=(ASKED,), stream=True)
    assert WIRE.write_request(request, Target(model=NOVA, stream=True)).value.path == (
        "/model/us.amazon.nova-pro-v1%3A0/converse-stream"
    )
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/x"
    assert "%2Fx/converse" in WIRE.write_request(request, Target(model=arn)).value.path


# parts


@pytest.mark.parametrize(
    ("media_type", "block", "told"),
    [
        ("image/png", "image", "png"),
        ("image/jpg", "image", "jpeg"),
        ("video/quicktime", "video", "mov"),
        ("video/3gpp", "video", "three_gp"),
        ("audio/wav", "audio", "wav"),
        ("audio/mpeg", "audio", "mp3"),
        ("application/pdf", "document", "pdf"),
        ("text/plain; charset=utf-8", "document", "txt"),
        ("text/x-python", "document", "txt"),
        ("text/markdown", "document", "md"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document", "docx"),
    ],
)
def test_media_are_told_by_the_services_words(media_type: str, block: str, told: str) -> None:
    (said, *_), caveats = content(Media(media_type=media_type, source=Inline(data="AAAA")), Text(text="x"))
    assert said[block]["format"] == told
    assert said[block]["source"] == {"bytes": "AAAA"}
    assert caveats == []


def test_a_picture_of_which_only_the_family_is_known_is_told_by_its_bytes() -> None:
    (said,), _ = content(Media(media_type="image/*", source=Inline(data="/9j/4AAQ")))
    assert said["image"]["format"] == "jpeg"


@pytest.mark.parametrize(
    "part",
    [
        Media(media_type="image/bmp", source=Inline(data="AAAA")),
        Media(media_type="application/zip", source=Inline(data="AAAA")),
        Media(media_type="image/png", source=Url(url="https://example.com/a.png")),
        Media(media_type="application/pdf", source=FileRef(id="file-1")),
        Opaque(wire="openai_chat", value={"type": "odd"}),
    ],
)
def test_what_the_service_does_not_read_is_a_caveat(part: Any) -> None:
    said, caveats = content(part, Text(text="x"))
    assert said == [{"text": "x"}]
    assert [caveat.code for caveat in caveats] == ["dropped_part"]


def test_what_lies_in_s3_is_pointed_at() -> None:
    (said,), caveats = content(Media(media_type="video/mp4", source=Url(url="s3://bucket/a.mp4")))
    assert said == {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/a.mp4"}}}}
    assert caveats == []


def test_documents_have_names_that_the_service_allows_each_its_own() -> None:
    paper = Media(media_type="application/pdf", source=Inline(data="AAAA"), name="a_b/c  d.pdf")
    said, _ = content(paper, paper, Media(media_type="text/csv", source=Inline(data="AAAA")), Text(text="x"))
    assert [block["document"]["name"] for block in said[:3]] == ["a-b-c d-pdf", "a-b-c d-pdf (2)", "document"]


def test_a_document_alone_gets_a_text_beside_it() -> None:
    said, caveats = content(Media(media_type="application/pdf", source=Inline(data="AAAA")))
    assert "text" in said[1]
    assert [caveat.code for caveat in caveats] == ["approximated"]


def test_citations_and_a_context_of_a_document_go_along() -> None:
    extra = {"citations": {"enabled": True}, "context": "An old one.", "other": 1}
    paper = Media(media_type="application/pdf", source=Inline(data="AAAA"), extra=extra)
    (said, _), _ = content(paper, Text(text="x"))
    assert said["document"]["citations"] == {"enabled": True}
    assert said["document"]["context"] == "An old one."


def test_litellms_guarded_text_is_guarded() -> None:
    (said,), caveats = content(Opaque(wire="openai_chat", value={"type": "guarded_text", "text": "Judge this."}))
    assert said == {"guardContent": {"text": {"text": "Judge this."}}}
    assert caveats == []


@pytest.mark.parametrize(
    ("model", "ttl", "points", "codes"),
    [
        (CLAUDE, None, [{"type": "default"}], []),
        (CLAUDE, "1h", [{"type": "default", "ttl": "1h"}], []),
        (CLAUDE_37, "1h", [{"type": "default"}], ["approximated"]),
        (NOVA, None, [{"type": "default"}], []),
        (LLAMA, None, [], ["dropped_part"]),
    ],
)
def test_a_cache_mark_is_a_cache_point_where_the_family_has_them(
    model: str, ttl: str | None, points: list[Any], codes: list[str]
) -> None:
    said, caveats = content(Text(text="x", cache=CacheMark(ttl=ttl)), model=model)
    assert [block["cachePoint"] for block in said[1:]] == points
    assert [caveat.code for caveat in caveats] == codes


def test_tools_are_cached_where_the_family_takes_that() -> None:
    marked = msgspec.structs.replace(TOOL, cache=CacheMark())
    assert "cachePoint" in written(CLAUDE, tools=(marked,))[0]["toolConfig"]["tools"][1]
    body, caveats = written(NOVA, tools=(marked,))
    assert len(body["toolConfig"]["tools"]) == 1
    assert [caveat.where for caveat in caveats] == ["$.tools[0].cache_control"]


def test_thinking_goes_home_to_who_signed_it_alone() -> None:
    ours = Thinking(text="Hm.", signature="c2ln", origin=NAME, account="me")
    hidden = Thinking(signature="AAAA", redacted=True, origin=NAME, account="me")
    others = [
        msgspec.structs.replace(ours, account="another"),
        msgspec.structs.replace(ours, signature=None),
        msgspec.structs.replace(ours, origin="gemini"),
    ]
    said = Message(role="assistant", parts=(ours, hidden, *others, Text(text="Yes.")))
    body, caveats = written(messages=(ASKED, said, ASKED))
    assert body["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "AAAA"}},
        {"text": "Yes."},
    ]
    assert [caveat.code for caveat in caveats] == ["foreign_signature"] * 3


def test_what_claude_signed_elsewhere_is_good_for_a_claude_here() -> None:
    thought = Thinking(text="Hm.", signature="c2ln", origin="anthropic_messages")
    messages = (ASKED, Message(role="assistant", parts=(thought, Text(text="Yes."))), ASKED)
    assert "reasoningContent" in written(CLAUDE, messages=messages)[0]["messages"][1]["content"][0]
    body, caveats = written(NOVA, messages=messages)
    assert body["messages"][1]["content"] == [{"text": "Yes."}]
    assert [caveat.code for caveat in caveats] == ["foreign_signature"]


def test_ids_and_arguments_that_the_service_does_not_take_are_made_fit() -> None:
    call = ToolCall(id="call/1 ü", name="look", arguments="not json")
    result = ToolResult(call_id="call/1 ü", content=(), is_error=True)
    messages = (ASKED, Message(role="assistant", parts=(call,)), Message(role="user", parts=(result,)))
    body, _ = written(messages=messages, tools=(TOOL,))
    assert body["messages"][1]["content"] == [
        {"toolUse": {"toolUseId": "call_1__", "name": "look", "input": {"INVALID_JSON": "not json"}}}
    ]
    assert body["messages"][2]["content"][0]["toolResult"] == {
        "toolUseId": "call_1__",
        "content": [{"text": "(no output)"}],
        "status": "error",
    }


# settings


def test_length_and_sampling_have_their_places() -> None:
    sampling = Sampling(max_tokens=50, temperature=0.2, stop=("END",), top_k=4)
    body, caveats = written(CLAUDE, sampling=sampling)
    assert body["inferenceConfig"] == {"maxTokens": 50, "temperature": 0.2, "stopSequences": ["END"]}
    assert body["additionalModelRequestFields"] == {"top_k": 4}
    assert caveats == []
    assert additional(NOVA, sampling=sampling)[0] == {"inferenceConfig": {"topK": 4}}
    assert additional(LLAMA, sampling=sampling) == ({}, ["$.top_k"])


def test_what_the_format_cannot_say_is_named() -> None:
    sampling = Sampling(temperature=1.5, seed=1, presence_penalty=0.1, logprobs=True, choices=2)
    body, caveats = written(NOVA, sampling=sampling, user="u1", extra={"logit_bias": {}})
    assert body["inferenceConfig"] == {"temperature": 1}
    where = ["$.temperature", "$.seed", "$.presence_penalty", "$.logprobs", "$.n", "$.user", "$.logit_bias"]
    assert [caveat.where for caveat in caveats] == where


@pytest.mark.parametrize(
    ("model", "reasoning", "wanted", "caveats"),
    [
        (CLAUDE, Reasoning(effort="low"), {"thinking": {"type": "enabled", "budget_tokens": 2048}}, []),
        (CLAUDE, Reasoning(budget_tokens=4000), {"thinking": {"type": "enabled", "budget_tokens": 4000}}, []),
        (CLAUDE, Reasoning(effort="none"), {}, []),
        (
            CLAUDE_OPUS, Reasoning(effort="high"),
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}}, [],
        ),
        (NOVA_2, Reasoning(effort="low"), {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, []),
        (NOVA_2, Reasoning(mode="disabled"), {}, []),
        (GPT, Reasoning(effort="medium"), {"reasoning_effort": "medium"}, []),
        (GPT, Reasoning(effort="xhigh"), {"reasoning_effort": "high"}, ["$.reasoning"]),
        (GPT, Reasoning(effort="none"), {"reasoning_effort": "low"}, ["$.reasoning"]),
        (QWEN, Reasoning(effort="high"), {"reasoning_config": "high"}, []),
        (NOVA, Reasoning(effort="high"), {}, ["$.reasoning"]),
        (LLAMA, Reasoning(effort="none"), {}, []),
    ],
)  # fmt: skip
def test_thinking_is_asked_for_in_the_words_of_the_family(
    model: str, reasoning: Reasoning, wanted: dict[str, Any], caveats: list[str]
) -> None:
    assert additional(model, reasoning=reasoning) == (wanted, caveats)


def test_claude_is_asked_how_much_it_thought() -> None:
    body, _ = written(CLAUDE, reasoning=Reasoning(effort="low"))
    assert body["additionalModelResponseFieldPaths"] == ["/usage/output_tokens_details"]
    assert "additionalModelResponseFieldPaths" not in written(CLAUDE)[0]


def test_nova_takes_no_sampling_while_it_thinks_hard() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, top_k=3)
    body, caveats = written(NOVA_2, sampling=sampling, reasoning=Reasoning(effort="high"))
    assert "inferenceConfig" not in body
    assert [caveat.where for caveat in caveats] == ["$.temperature", "$.top_p", "$.top_k"]


# tools


@pytest.mark.parametrize(
    ("model", "choice", "wanted", "codes"),
    [
        (CLAUDE, ToolChoice(mode="auto"), None, []),
        (CLAUDE, ToolChoice(mode="required"), {"any": {}}, []),
        (CLAUDE, ToolChoice(mode="tool", name="look"), {"tool": {"name": "look"}}, []),
        (MISTRAL, ToolChoice(mode="tool", name="look"), {"any": {}}, ["approximated"]),
        (LLAMA, ToolChoice(mode="required"), None, ["dropped_param"]),
        (LLAMA, ToolChoice(mode="auto"), None, []),
    ],
)
def test_a_call_is_forced_as_far_as_the_family_can_be(
    model: str, choice: ToolChoice, wanted: Any, codes: list[str]
) -> None:
    body, caveats = written(model, tools=(TOOL,), tool_choice=choice)
    assert body["toolConfig"].get("toolChoice") == wanted
    assert [caveat.code for caveat in caveats] == codes


def test_no_call_at_all_is_told_to_claude_and_means_no_tools_elsewhere() -> None:
    never = ToolChoice(mode="none")
    body, caveats = written(CLAUDE, tools=(TOOL,), tool_choice=never)
    assert body["additionalModelRequestFields"] == {"tool_choice": {"type": "none"}}
    assert len(body["toolConfig"]["tools"]) == 1
    assert caveats == []
    body, caveats = written(NOVA, tools=(TOOL,), tool_choice=never)
    assert "toolConfig" not in body
    assert [caveat.code for caveat in caveats] == ["approximated"]
    body, caveats = written(NOVA, tools=(TOOL,), tool_choice=never, messages=CALLED)
    assert len(body["toolConfig"]["tools"]) == 1  # without them the history is refused
    assert [caveat.code for caveat in caveats] == ["dropped_param"]


def test_one_call_at_a_time_is_told_to_claude() -> None:
    forced = ToolChoice(mode="tool", name="look")
    said, caveats = additional(CLAUDE, tools=(TOOL,), parallel_tools=False)
    assert said == {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    said, _ = additional(CLAUDE, tools=(TOOL,), parallel_tools=False, tool_choice=forced)
    assert said == {"tool_choice": {"type": "tool", "name": "look", "disable_parallel_tool_use": True}}
    assert caveats == []
    assert additional(NOVA, tools=(TOOL,), parallel_tools=False) == ({}, ["$.parallel_tools"])


def test_a_claude_that_cannot_be_made_to_call_may() -> None:
    forced = ToolChoice(mode="tool", name="look")
    for parallel, said in ((None, {}), (False, {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}})):
        body, caveats = written(SONNET_5_5, tools=(TOOL,), tool_choice=forced, parallel_tools=parallel)
        assert "toolChoice" not in body["toolConfig"]
        assert body.get("additionalModelRequestFields", {}) == said
        assert [caveat.where for caveat in caveats] == ["$.tool_choice"]


def test_thinking_is_turned_off_in_claudes_word_for_it() -> None:
    for asked in (Reasoning(effort="none"), Reasoning(mode="disabled")):
        assert written(SONNET_5_5, reasoning=asked)[0] == {
            "messages": [{"role": "user", "content": [{"text": "Hello"}]}],
            "additionalModelRequestFields": {"thinking": {"type": "between_tools"}},
        }


def test_sonnet_5_5_has_no_schemas_here() -> None:
    body, _ = written(SONNET_5_5, output=OutputFormat(kind="schema", schema=SCHEMA))
    assert body.keys() == {"messages", "system"}


def test_tools_that_only_the_history_knows_are_declared() -> None:
    body, caveats = written(LLAMA, messages=CALLED)
    (tool,) = body["toolConfig"]["tools"]
    assert tool["toolSpec"]["name"] == "look"
    assert [caveat.where for caveat in caveats] == ["$.tools", "$.tool_choice"]


def test_a_strict_tool_is_strict_where_the_model_holds_itself_to_schemas() -> None:
    strict = msgspec.structs.replace(TOOL, strict=True)
    assert written(CLAUDE, tools=(strict,))[0]["toolConfig"]["tools"][0]["toolSpec"]["strict"] is True
    body, caveats = written(NOVA, tools=(strict,))
    assert "strict" not in body["toolConfig"]["tools"][0]["toolSpec"]
    assert [caveat.where for caveat in caveats] == ["$.tools[0].strict"]


def test_a_tool_of_the_services_own_may_be_named() -> None:
    grounding = Opaque(wire="openai_chat", value={"systemTool": {"name": "nova_grounding"}})
    body, caveats = written(NOVA, tools=(grounding,))
    assert body["toolConfig"]["tools"] == [{"systemTool": {"name": "nova_grounding"}}]
    assert caveats == []


# structured output


FORMAT = OutputFormat(kind="schema", name="place", description="A place.", schema=SCHEMA)


def test_a_schema_is_native_where_the_model_has_that() -> None:
    body, caveats = written(CLAUDE, output=FORMAT)
    said = body["outputConfig"]["textFormat"]
    assert said["type"] == "json_schema"
    assert msgspec.json.decode(said["structure"]["jsonSchema"]["schema"]) == SCHEMA
    assert said["structure"]["jsonSchema"]["name"] == "place"
    assert caveats == []


def test_a_schema_is_a_tool_to_answer_by_where_it_is_not_native() -> None:
    body, caveats = written(NOVA, output=FORMAT)
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": ANSWER_TOOL}}
    assert caveats == []
    body, _ = written(NOVA, output=FORMAT, tools=(TOOL,))
    assert body["toolConfig"]["toolChoice"] == {"any": {}}
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["look", ANSWER_TOOL]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (LLAMA, {"output": FORMAT}),
        (CLAUDE_37, {"output": FORMAT, "reasoning": Reasoning(effort="low")}),
        (CLAUDE, {"output": OutputFormat(kind="json")}),
        (NOVA, {"output": OutputFormat(kind="json")}),
    ],
)
def test_where_nothing_else_will_do_the_model_is_asked_in_words(model: str, said: dict[str, Any]) -> None:
    body, caveats = written(model, **said)
    assert "JSON" in body["system"][-1]["text"]
    assert "toolConfig" not in body
    assert [caveat.where for caveat in caveats] == ["$.response_format"]


# what has a place of its own


def test_fields_of_converse_may_be_named_in_any_dialect() -> None:
    guardrail = {"guardrailIdentifier": "g1", "guardrailVersion": "1"}
    extra = {
        "guardrailConfig": guardrail,
        "performanceConfig": {"latency": "optimized"},
        "additionalModelRequestFields": {"anthropic_beta": ["context-1m-2025-08-07"], "output_config": {"x": 1}},
        "service_tier": "flex",
    }
    body, caveats = written(CLAUDE_OPUS, extra=extra, reasoning=Reasoning(effort="low"), metadata={"team": "a"})
    assert body["guardrailConfig"] == guardrail
    assert body["performanceConfig"] == {"latency": "optimized"}
    assert body["serviceTier"] == {"type": "flex"}
    assert body["requestMetadata"] == {"team": "a"}
    assert body["additionalModelRequestFields"]["anthropic_beta"] == ["context-1m-2025-08-07"]
    assert body["additionalModelRequestFields"]["output_config"] == {"effort": "low", "x": 1}
    assert caveats == []


def test_metadata_and_tiers_that_do_not_fit_are_caveats() -> None:
    body, caveats = written(metadata={"a": 1, "b": "ok", "c": "ö"}, extra={"service_tier": "scale"})
    assert body["requestMetadata"] == {"b": "ok"}
    assert [caveat.where for caveat in caveats] == ["$.service_tier", "$.metadata"]
    assert written(extra={"service_tier": "auto"})[1] == []


@pytest.mark.parametrize(
    ("feature", "said", "where"),
    [
        ("max_tokens", {"sampling": Sampling(max_tokens=5)}, "$.max_tokens"),
        ("temperature", {"sampling": Sampling(temperature=0.5)}, "$.temperature"),
        ("top_p", {"sampling": Sampling(top_p=0.5)}, "$.top_p"),
        ("top_k", {"sampling": Sampling(top_k=5)}, "$.top_k"),
        ("stop", {"sampling": Sampling(stop=("x",))}, "$.stop"),
        ("reasoning", {"reasoning": Reasoning(effort="low")}, "$.reasoning"),
        ("tools", {"tools": (TOOL,)}, "$.tools"),
        ("tool_choice", {"tools": (TOOL,), "tool_choice": ToolChoice(mode="required")}, "$.tool_choice"),
        ("system", {"messages": (Message(role="system", parts=(Text(text="s"),)), ASKED)}, "$.messages"),
    ],
)
def test_what_a_target_lacks_is_left_out_with_a_caveat(feature: str, said: dict[str, Any], where: str) -> None:
    body, caveats = written(CLAUDE, (feature,), **said)
    assert [caveat.where for caveat in caveats] == [where]
    assert set(body) <= {"messages", "toolConfig", "inferenceConfig"}
    assert "toolChoice" not in body.get("toolConfig", {})
    assert not body.get("inferenceConfig")
