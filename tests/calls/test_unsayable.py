"""What a client says that the model's format cannot say: a part is left out and told; where nothing is left, it is a
refusal that names the part."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.wires.any_to_any.table import MODELS, deployed
from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.errors import BadRequestError, UnsupportedParamsError
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES

FOREIGN = [name for name, model in MODELS.items() if deployed(model).wire.name != OPENAI_CHAT.name]
UNKNOWN = {"type": "hologram", "hologram": {"data": "x"}}


def prepared(model: str, dialect: Wire = OPENAI_CHAT, **fields: Any) -> Prepared:
    body = json.dumps({"model": "m", **fields}).encode()
    ask = Ask(dialect, body, peek(body), "m", stream=False)
    return prepare(ask, deployed(MODELS.get(model, model)).for_dialect(dialect.name))


def sent(made: Prepared) -> Any:
    return json.loads(made.outgoing.body)


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


@pytest.mark.parametrize("model", FOREIGN)
@pytest.mark.parametrize("before", [(), ({"role": "system", "content": "Be brief."},)])
def test_a_request_of_which_nothing_can_be_said_is_refused_by_the_parts_name(model: str, before: Any) -> None:
    with pytest.raises(UnsupportedParamsError, match=r"nothing of this request is left.*\$\.messages\[[01]\]"):
        prepared(model, messages=[*before, user(UNKNOWN)])


@pytest.mark.parametrize(
    ("dialect", "said", "place"),
    [
        (OPENAI_RESPONSES, {"input": [user({"type": "input_txt", "text": "x"})]}, "input"),
        (GEMINI, {"contents": [{"role": "user", "parts": [{"txt": "hi"}]}]}, "contents"),
        (ANTHROPIC_MESSAGES, {"messages": [user({"type": "txt", "text": "x"})], "max_tokens": 9}, "messages"),
    ],
)
def test_so_it_is_where_a_chat_is_made_of_it(dialect: Wire, said: dict[str, Any], place: str) -> None:
    """Its message would stay, without a word in it."""
    with pytest.raises(UnsupportedParamsError, match=rf"nothing of this request is left.*\$\.{place}\[0\]"):
        prepared("mistral", dialect, **said)


@pytest.mark.parametrize(
    ("dialect", "name"), [(OPENAI_RESPONSES, "input"), (GEMINI, "contents"), (ANTHROPIC_MESSAGES, "messages")]
)
def test_without_a_single_message_it_is_refused_by_the_clients_own_word(dialect: Wire, name: str) -> None:
    with pytest.raises(BadRequestError, match=rf"`{name}` is empty - at `\$\.{name}`") as refused:
        prepared("mistral", dialect, **{name: []})
    assert refused.value.param == name


def test_who_says_nothing_gets_no_refusal_of_ours() -> None:
    assert sent(prepared("mistral", OPENAI_RESPONSES, input=""))["messages"] == [{"role": "user", "content": ""}]


@pytest.mark.parametrize("model", FOREIGN)
def test_beside_words_an_unknown_part_is_left_out_and_told(model: str) -> None:
    made = prepared(model, messages=[user(text("hi"), UNKNOWN)])
    assert "dropped_part" in [caveat.code for caveat in made.caveats]
    assert "hologram" not in made.outgoing.body.decode()


@pytest.mark.parametrize("model", FOREIGN)
def test_a_system_message_alone_is_a_request(model: str) -> None:
    assert b"Be brief." in prepared(model, messages=[{"role": "system", "content": "Be brief."}]).outgoing.body


@pytest.mark.parametrize("model", FOREIGN)
def test_the_name_of_who_speaks_is_told_where_it_is_left_out(model: str) -> None:
    said = [{"role": "system", "content": "x"}, {"role": "user", "name": "ada", "content": "hi"}]
    [told] = [one for one in prepared(model, messages=said).caveats if "`name`" in one.detail]
    assert (told.code, told.where) == ("dropped_field", "$.messages[1].name")


def test_the_name_of_a_tool_in_its_result_is_no_loss() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "name": "f", "content": "1"},
    ]
    assert prepared("anthropic", messages=said).caveats == ()


STORES = [
    (OPENAI_CHAT, user(text("hi"), {"type": "file", "file": {"file_id": "file-abc"}})),
    (OPENAI_CHAT, user(text("hi"), {"type": "file", "file": {"file_id": "gs://bucket/a.pdf"}})),
    (ANTHROPIC_MESSAGES, user(text("hi"), {"type": "document", "source": {"type": "file", "file_id": "file_011C"}})),
]
AT_HOME = {"file-abc": {"openai-responses"}, "gs://bucket/a.pdf": {"gemini"}, "file_011C": {"anthropic"}}


@pytest.mark.parametrize("model", ["anthropic", "openai-responses", "gemini", "bedrock-claude", "cohere", "ollama"])
@pytest.mark.parametrize(("dialect", "message"), STORES)
def test_a_file_of_another_store_is_left_out_and_told(model: str, dialect: Wire, message: dict[str, Any]) -> None:
    made = prepared(model, dialect, messages=[message], max_tokens=50)
    id = next(id for id in AT_HOME if id in json.dumps(message))
    if model in AT_HOME[id]:
        assert id in made.outgoing.body.decode()
        assert made.caveats == ()
    else:
        assert id not in made.outgoing.body.decode()
        assert [caveat.code for caveat in made.caveats] == ["dropped_part"]


def test_a_bucket_of_googles_does_not_become_a_file_of_anthropics() -> None:
    part = {"fileData": {"fileUri": "gs://bucket/a.png", "mimeType": "image/png"}}
    made = prepared("anthropic", GEMINI, contents=[{"role": "user", "parts": [part, {"text": "hi"}]}])
    assert "gs://" not in made.outgoing.body.decode()
    assert [caveat.code for caveat in made.caveats if "store" in caveat.detail] == ["dropped_part"]


def test_openais_two_formats_share_a_store() -> None:
    said = {"type": "message", "role": "user", "content": [{"type": "input_file", "file_id": "file-abc"}]}
    [message] = sent(prepared("groq", OPENAI_RESPONSES, input=[said]))["messages"]
    assert message["content"] == [{"type": "file", "file": {"file_id": "file-abc"}}]
    chat = user({"type": "file", "file": {"file_id": "file-abc"}})
    [item] = sent(prepared("openai-responses", messages=[chat]))["input"]
    assert item["content"] == [{"type": "input_file", "file_id": "file-abc"}]


def test_a_file_named_by_a_link_is_fetched_from_there() -> None:
    link = "https://example.com/paper.pdf"
    said = [user({"type": "file", "file": {"file_id": link, "format": "application/pdf"}})]
    made = prepared("anthropic", messages=said)
    [block] = sent(made)["messages"][0]["content"]
    assert block == {"type": "document", "source": {"type": "url", "url": link}}
    assert made.caveats == ()
    [[part]] = [content["parts"] for content in sent(prepared("gemini", messages=said))["contents"]]
    assert part == {"fileData": {"fileUri": link, "mimeType": "application/pdf"}}
    assert sent(prepared("openai", messages=said))["messages"] == [user({"type": "file", "file": {"file_id": link}})]
