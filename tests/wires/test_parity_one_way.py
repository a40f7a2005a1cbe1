"""What a widely used client sends Cohere and Ollama for the same requests: where we differ, the reason is here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.shared import SHARED
from tests.wires import laws
from tollbridge.wires.base import ProviderWire, Target
from tollbridge.wires.cohere import COHERE
from tollbridge.wires.ollama import OLLAMA
from tollbridge.wires.openai_chat import OPENAI_CHAT

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/parity")

OF_COHERE = {
    "penalties_seed_user": "a penalty below 0 is out of the vendor's range",
    "stop_string": "`stop_sequences` is a list",
    "logprobs": "the format has them",
    "consecutive_users": "the assistant's messages that follow each other are one turn",
    "empty_assistant": "a message that says nothing is left out",
    "tools_no_params": "the format wants a schema; an empty one is said",
    "tools_complex_schema": "`strict` is said for all tools together, as `strict_tools`",
    "tool_choice_none": "the format has `NONE`",
    "pdf_base64": "the format has no such part; it is left out with a Caveat",
    "audio_input": "the format has no such part; it is left out with a Caveat",
    "json_schema": "the format has it",
    "json_schema_tools": "the vendor takes it not beside tools: the model is asked in words",
    "stream_json_schema": "the format has it",
    "cache_control": "a list of one text is written as the text",
}
_NAMED = "calls have ids, and results name their tool"
OF_OLLAMA = {
    "consecutive_users": "the assistant's messages that follow each other are one turn",
    "empty_assistant": "a message that says nothing is left out",
    "tools_no_params": "a function without a schema is not what the server expects; an empty one is said",
    "tool_choice_none": "tools that must not be called are not offered: the format cannot say it",
    "tool_result": _NAMED,
    "tool_result_json_list": _NAMED,
    "tool_result_empty": _NAMED,
    "tool_results_parallel": _NAMED,
    "tool_result_then_user": _NAMED,
    "tool_result_blocks": _NAMED + "; two texts of a result do not run into one word",
    "tool_result_image": _NAMED,
    "tool_history_without_tools": _NAMED,
    "thinking_replay": _NAMED,
    "image_url": "the server takes no links: it would answer 400; the image is left out with a Caveat",
    "json_schema_tools": "a schema beside tools would keep the model from calling any: it is asked in words",
    "tool_args_empty_string": "it fails: no arguments are an empty object",
    "thinking_budget": "the model is told to think; how much is a Caveat",
}


def cases(target: str) -> list[Any]:
    if not SHARED.exists():
        return []
    found = json.loads((SHARED / "parity" / "requests" / f"chat_{target}.json").read_text())["cases"]
    return [pytest.param(case, id=case["shape"]) for case in found]


def differs(wire: ProviderWire, case: dict[str, Any]) -> bool:
    read = OPENAI_CHAT.read_request({"model": "m", **case["request"]}).value
    sent = case.get("sent") or (case.get("with_drop_params") or {}).get("sent")
    if not sent:
        return True
    theirs = sent[0]["body"]
    target = Target(model=theirs["model"], stream=bool(read.stream))
    ours = laws.through_json(wire.write_request(read, target).value.body)
    return _plain(theirs) != _plain(ours)


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing: empty lists of images and options, and that there is no stream."""
    said = {key: value for key, value in body.items() if value not in ({}, False)}
    said["messages"] = [
        {key: value for key, value in message.items() if key != "images" or value} for message in body["messages"]
    ]
    return said


@pytest.mark.parametrize("case", cases("cohere"))
def test_cohere_gets_the_same_unless_we_say_why(case: dict[str, Any]) -> None:
    assert differs(COHERE, case) == (case["shape"] in OF_COHERE)


@pytest.mark.parametrize("case", cases("ollama_chat"))
def test_ollama_gets_the_same_unless_we_say_why(case: dict[str, Any]) -> None:
    assert differs(OLLAMA, case) == (case["shape"] in OF_OLLAMA)


def test_each_reason_is_of_a_case_that_there_is() -> None:
    for target, reasons in (("cohere", OF_COHERE), ("ollama_chat", OF_OLLAMA)):
        assert set(reasons) <= {param.id for param in cases(target)}
