"""What a finished batch cost: lines of both formats, written out, at the catalog's prices of batches."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge import BatchCost, UnknownPrice, batch_cost, completion_cost, cost_per_token
from tollbridge.errors import BadRequestError
from tollbridge.sdk.kept_objects import FileContent


def chat(read: int = 1_001, written: int = 11, model: str = "gpt-4o-2024-08-06") -> dict[str, Any]:
    body = {"object": "chat.completion", "model": model, "choices": [], "service_tier": "default"}
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return {"custom_id": "a", "response": {"status_code": 200, "body": {**body, "usage": usage}}, "error": None}


def message(read: int, written: int) -> dict[str, Any]:
    body = {"type": "message", "model": "claude-sonnet-4-5-20250929", "content": []}
    usage = {"input_tokens": read, "output_tokens": written}
    return {"custom_id": "b", "result": {"type": "succeeded", "message": {**body, "usage": usage}}}


REFUSED = {"custom_id": "c", "response": {"status_code": 400, "body": {"error": {"message": "no"}}}, "error": None}
EXPIRED = {"custom_id": "d", "response": None, "error": {"code": "batch_expired", "message": "late"}}
ERRORED = {"custom_id": "e", "result": {"type": "errored", "error": {"type": "invalid_request"}}}


def test_a_batch_costs_half_of_its_answers_and_nothing_for_what_failed() -> None:
    assert batch_cost([chat(), REFUSED, EXPIRED, chat(3, 2)]) == BatchCost(1_004 * 1_250 + 13 * 5_000, 2, 2)
    assert batch_cost([chat(), chat(3, 2)]).dollars == (1_004 * 1_250 + 13 * 5_000) / 1e9


def test_anthropics_results_are_priced_too() -> None:
    assert batch_cost([message(100, 10), ERRORED]) == BatchCost(100 * 1_500 + 10 * 7_500, 1, 1)


def test_a_files_content_its_text_and_its_lines_cost_the_same() -> None:
    text = "\n".join(json.dumps(line) for line in (chat(), REFUSED)) + "\n\n"
    content = FileContent()
    content._content = text.encode()
    expected = batch_cost([chat(), REFUSED])
    assert [batch_cost(one) for one in (content, text, text.encode(), content.iter_lines())] == [expected] * 4


def test_a_responses_and_an_embeddings_batch_are_priced_by_their_usage() -> None:
    said = {"object": "response", "model": "gpt-4o-2024-08-06", "usage": {"input_tokens": 8, "output_tokens": 1}}
    list_ = {"object": "list", "model": "text-embedding-3-small", "data": []}
    bodies = [said, {**list_, "usage": {"prompt_tokens": 100, "total_tokens": 100}}]
    costs = [batch_cost([{"response": {"status_code": 200, "body": body}}]).nanousd for body in bodies]
    assert costs == [8 * 1_250 + 5_000, 100 * 10]


def test_a_deployments_name_is_priced_as_the_model_that_is_said() -> None:
    line = chat(model="my-deployment")
    with pytest.raises(UnknownPrice):
        batch_cost([chat(), line])
    assert batch_cost([line], model="gpt-4o-2024-08-06").nanousd == batch_cost([chat()]).nanousd


def test_an_answer_without_usage_or_a_batch_price_is_never_free() -> None:
    line = chat()
    del line["response"]["body"]["usage"]
    with pytest.raises(UnknownPrice, match="usage"):
        batch_cost([line])
    with pytest.raises(UnknownPrice, match="batch") as failure:
        batch_cost([chat(model="chatgpt-4o-latest")])
    assert "custom_cost_per_token" not in str(failure.value)  # which `batch_cost` does not take


def test_a_batch_of_a_server_of_ones_own_costs_nothing() -> None:
    assert batch_cost([chat(model="any")], custom_llm_provider="hosted_vllm") == BatchCost(0, 1, 0)


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"response": {"status_code": 200}}'])
def test_a_line_that_cannot_be_read_is_told_by_its_number(line: str) -> None:
    with pytest.raises(BadRequestError, match="Line 2 "):
        batch_cost([chat(), line])


def test_single_costs_take_the_tier_of_batches() -> None:
    body = chat()["response"]["body"]
    assert completion_cost(body, service_tier="batch") == batch_cost([chat()]).dollars
    assert cost_per_token("gpt-4o", 1_001, 11, service_tier="batch") == (1_001 * 1_250 / 1e9, 11 * 5_000 / 1e9)
