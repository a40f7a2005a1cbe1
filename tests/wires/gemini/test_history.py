"""Messages of other dialects as contents that Gemini accepts, and what is told where something cannot be carried."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tollbridge.errors import BadRequestError
from tollbridge.model.parts import (
    CacheMark,
    Citation,
    FileRef,
    Inline,
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Url,
)
from tollbridge.model.request import Message, Request, Role, Tool
from tollbridge.wires.base import Target
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.gemini.write_parts import UNSIGNED

FLASH_2_5, FLASH_3 = "gemini-2.5-flash", "gemini-3-flash"
PNG = Media(media_type="image/png", source=Inline(data="AAAA"))


def said(role: Role, *parts: Part | str, **more: Any) -> Message:
    return Message(role=role, parts=tuple([Text(text=p) if isinstance(p, str) else p for p in parts]), **more)


def written(*messages: Message, model: str = FLASH_2_5, **more: Any) -> tuple[dict[str, Any], list[str]]:
    """The body, and the codes of the caveats."""
    request = Request(model="m", messages=messages, origin="elsewhere", tools=more.pop("tools", ()))
    found = GEMINI.write_request(request, Target(model=model, **more))
    return found.value.body, [caveat.code for caveat in found.caveats]


def call(id: str, name: str = "f", **more: Any) -> ToolCall:
    return ToolCall(id=id, name=name, arguments='{"a":1}', **more)


def result(id: str, *content: Part | str, **more: Any) -> ToolResult:
    return ToolResult(call_id=id, content=tuple([Text(text=c) if isinstance(c, str) else c for c in content]), **more)


def test_leading_system_messages_become_the_instruction_and_later_ones_the_users_words() -> None:
    body, told = written(said("system", "A"), said("system", "B"), said("user", "Hi"), said("system", "C"))
    assert body["systemInstruction"] == {"parts": [{"text": "A"}, {"text": "B"}]}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Hi"}, {"text": "<system>\nC\n</system>"}]}]
    assert told == ["approximated"]


def test_a_system_message_alone_is_sent_as_the_users() -> None:
    body, told = written(said("system", "A"))
    assert body == {"contents": [{"role": "user", "parts": [{"text": "A"}]}]}
    assert told == ["approximated"]


def test_turns_of_one_role_are_joined_and_empty_texts_left_out() -> None:
    body, told = written(said("user", "A", ""), said("user", "B"), said("assistant", ""), said("assistant", "C"))
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "A"}, {"text": "B"}]},
        {"role": "model", "parts": [{"text": "C"}]},
    ]
    assert told == []


def test_results_stand_right_after_their_calls_in_the_calls_order() -> None:
    body, told = written(
        said("user", "Go"),
        said("assistant", "So:", call("c1"), call("c2", "g")),
        said("user", result("c2", "two"), "And now?"),
        said("user", result("c1", "one", is_error=True)),
    )
    assert body["contents"][1]["parts"][1:] == [
        {"functionCall": {"name": "f", "id": "c1", "args": {"a": 1}}},
        {"functionCall": {"name": "g", "id": "c2", "args": {"a": 1}}},
    ]
    assert body["contents"][2] == {
        "role": "user",
        "parts": [
            {"functionResponse": {"name": "f", "id": "c1", "response": {"error": "one"}}},
            {"functionResponse": {"name": "g", "id": "c2", "response": {"output": "two"}}},
        ],
    }
    assert body["contents"][3] == {"role": "user", "parts": [{"text": "And now?"}]}
    assert told == []


def test_a_turn_that_calls_tools_follows_one_of_the_users() -> None:
    body, told = written(said("assistant", call("c1")), said("user", result("c1", "x")))
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]
    assert told == ["approximated"]


def test_a_result_without_its_call_is_refused_unless_it_may_be_restored() -> None:
    lost = (said("user", "Go"), said("user", result("c9", "x"), name="tool_name"))
    with pytest.raises(BadRequestError, match="modify_params"):
        written(*lost)
    body, told = written(*lost, modify=True)
    assert body["contents"][1] == {
        "role": "model",
        "parts": [{"functionCall": {"name": "tool_name", "id": "c9", "args": {}}}],
    }
    assert told == ["approximated"]


def test_a_restored_call_is_named_after_the_only_tool() -> None:
    messages = (said("user", "Go"), said("user", result("c9", "x")))
    body, _ = written(*messages, modify=True, tools=(Tool(name="only"),))
    assert body["contents"][1]["parts"][0]["functionCall"]["name"] == "only"


def test_a_call_that_was_left_without_an_answer_gets_one_where_messages_may_be_changed() -> None:
    messages = (said("user", "Go"), said("assistant", call("c1")), said("user", "Well?"))
    body, told = written(*messages, modify=True)
    assert "error" in body["contents"][2]["parts"][0]["functionResponse"]["response"]
    assert told == ["approximated"]
    plain, told = written(*messages)
    assert plain["contents"][2] == {"role": "user", "parts": [{"text": "Well?"}]}
    assert told == []


def test_newer_models_take_media_in_results_and_older_ones_get_them_after() -> None:
    turn = (said("user", "Go"), said("assistant", call("c1")), said("user", result("c1", "Look", PNG)))
    medium = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    body, told = written(*turn, model=FLASH_3)
    assert body["contents"][2]["parts"][0]["functionResponse"]["parts"] == [medium]
    assert told == []
    body, told = written(*turn, model=FLASH_2_5)
    assert "parts" not in body["contents"][2]["parts"][0]["functionResponse"]
    assert "follow" in body["contents"][2]["parts"][0]["functionResponse"]["response"]["output"]
    assert body["contents"][3] == {"role": "user", "parts": [medium]}
    assert told == ["approximated"]


def test_what_a_target_cannot_read_is_left_out_with_a_word() -> None:
    turn = (said("user", "Go", PNG), said("assistant", call("c1")), said("user", result("c1", PNG)))
    body, told = written(*turn, model=FLASH_3, lacks=frozenset({"images"}))
    assert "inlineData" not in msgspec.json.encode(body).decode()
    assert told == ["dropped_part", "dropped_part"]
    body, told = written(*turn, lacks=frozenset({"tool_images"}))
    assert told == ["dropped_part"]


def test_the_newest_models_are_shown_that_another_model_made_a_call() -> None:
    """Of parallel calls the first alone is looked at."""
    turn = (said("user", "Go"), said("assistant", "So", call("c1"), call("c2")))
    body, told = written(*turn, model=FLASH_3)
    signatures = [part.get("thoughtSignature") for part in body["contents"][1]["parts"]]
    assert signatures == [None, UNSIGNED, None]
    assert told == []
    body, _ = written(*turn, model=FLASH_2_5)
    assert "thoughtSignature" not in msgspec.json.encode(body).decode()


def test_geminis_own_signatures_come_home() -> None:
    body, told = written(
        said("user", "Go"),
        said(
            "assistant",
            Thinking(text="Hm", signature="s1", origin="gemini"),
            "So",
            Thinking(signature="s2", redacted=True, origin="gemini"),
            call("call_tb7", signature="s3", origin="gemini"),
            Thinking(signature="s4", redacted=True, origin="gemini"),
        ),
        model=FLASH_3,
    )
    assert body["contents"][1]["parts"] == [
        {"text": "Hm", "thought": True, "thoughtSignature": "s1"},
        {"text": "So", "thoughtSignature": "s2"},
        {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "s3"},
        {"text": "", "thoughtSignature": "s4"},
    ]
    assert told == []


@pytest.mark.parametrize(
    "thinking",
    [
        Thinking(text="Hm", signature="s", origin="anthropic_messages"),
        Thinking(text="Hm", origin=""),
        Thinking(text="Hm", signature="s", origin="gemini", account="another"),
        Thinking(text="Hm", origin="gemini"),
        Thinking(text="Hm", signature="tb1.x.y.z.m", origin="gemini"),
    ],
)
def test_other_thinking_is_not_replayed_and_told(thinking: Thinking) -> None:
    body, told = written(said("user", "Go"), said("assistant", thinking, "So"), account="mine")
    assert body["contents"][1]["parts"] == [{"text": "So"}]
    assert told == ["foreign_signature"]


def test_the_signature_of_another_wires_call_is_left_out_and_told() -> None:
    body, told = written(said("user", "Go"), said("assistant", call("c1", signature="s", origin="openai_chat")))
    assert body["contents"][1]["parts"] == [{"functionCall": {"name": "f", "id": "c1", "args": {"a": 1}}}]
    assert told == ["foreign_signature"]


def test_parts_without_a_place_are_told() -> None:
    body, told = written(
        said(
            "user",
            Text(text="A", cache=CacheMark(), citations=(Citation(url="https://a.example"),)),
            Text(text="B", cache=CacheMark()),
            Opaque(wire="openai_chat", value={"type": "odd"}),
            Media(media_type="application/pdf", source=FileRef(id="file-7")),
        ),
        said(
            "assistant", ToolCall(id="x", name="web_search", runs_on="provider"), Refusal(text="No."), Refusal(text="")
        ),
    )
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "A"}, {"text": "B"}]},
        {"role": "model", "parts": [{"text": "No."}]},
    ]
    assert told == ["dropped_part"] * 5


def test_arguments_that_are_no_object_travel_whole() -> None:
    for text in ('["a"]', "plain words", '{"a":'):
        body, _ = written(said("user", "Go"), said("assistant", ToolCall(id="c", name="f", arguments=text)))
        assert body["contents"][1]["parts"][0]["functionCall"]["args"] == {"INVALID_JSON": text}


@pytest.mark.parametrize(
    ("media", "sent"),
    [
        (Media(media_type="image/*", source=Url(url="https://a.example/b.PNG?x=1")), "image/png"),
        (Media(media_type="image/*", source=Url(url="https://a.example/b")), "image/jpeg"),
        (Media(media_type="application/*", source=Url(url="https://a.example/b.pdf#p2")), "application/pdf"),
        (Media(media_type="application/*", source=Url(url="https://a.example/b")), None),
        (Media(media_type="video/mp4", source=FileRef(id="gs://bucket/film")), "video/mp4"),
    ],
)
def test_a_links_type_is_told_as_far_as_it_is_known(media: Media, sent: str | None) -> None:
    body, told = written(said("user", media))
    assert body["contents"][0]["parts"][0]["fileData"].get("mimeType") == sent
    assert told == []
