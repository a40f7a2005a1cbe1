"""Embeddings and ranking on Bedrock, by a gateway and from a program: signed, a body by the model's family, use from
where it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tollbridge
from tests.aws import Asked, Service, Told, is_signed, serving
from tests.server.accounted import accounted
from tests.server.served import served
from tests.server.test_bedrock import PLACE, configuration, whole
from tests.server.test_tasks import entry_of

pytestmark = pytest.mark.usefixtures("no_keys")
PICTURE = "data:image/png;base64,aGk="


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def answers(asked: Asked) -> Told:
    """As AWS: Titan counts in its answer, the others in a header."""
    if not is_signed(asked):
        return whole({"message": "The security token is invalid."}, 403, x_amzn_errortype="UnrecognizedClientException")
    body = asked.json()
    if "rerank" in asked.target:
        return whole({"results": [{"index": 1, "relevance_score": 0.9}]})
    if "titan" in asked.target:
        return whole({"embedding": [1.0, 0.5], "inputTextTokenCount": 3})
    if "nova" in asked.target:
        made: dict[str, Any] = {"embeddings": [{"embeddingType": "TEXT", "embedding": [1.0, 0.5]}]}
        return whole(made, x_amzn_bedrock_input_token_count="3")
    many = body.get("texts") or body.get("images") or body["inputs"]
    return whole({"embeddings": {"float": [[1.0, 0.5]] * len(many)}}, x_amzn_bedrock_input_token_count="6")


@pytest.fixture
def aws() -> Iterator[Service]:
    with serving(answers) as service:
        yield service


CASES: dict[str, tuple[str, Any, list[Any], float, list[str]]] = {
    "Titan 2": (
        "amazon.titan-embed-text-v2:0",
        ["a", "b"],
        [{"inputText": one, "dimensions": 256} for one in "ab"],
        6 * 0.02e-6,
        [],
    ),
    "Titan 1": (
        "amazon.titan-embed-text-v1",
        ["a", "b"],
        [{"inputText": one} for one in "ab"],
        6 * 0.1e-6,
        ["$.dimensions"],
    ),
    "Titan for images": (
        "amazon.titan-embed-image-v1",
        [PICTURE],
        [{"inputImage": "aGk=", "embeddingConfig": {"outputEmbeddingLength": 256}}],
        3 * 0.8e-6,
        [],
    ),
    "Cohere 3": (
        "cohere.embed-english-v3",
        ["a", "b"],
        [{"texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"]}],
        6 * 0.1e-6,
        ["$.dimensions"],
    ),
    "Cohere 3, an image": (
        "cohere.embed-english-v3",
        [PICTURE],
        [{"images": [PICTURE], "input_type": "image", "embedding_types": ["float"]}],
        6 * 0.1e-6,
        ["$.dimensions"],
    ),
    "Cohere 4": (
        "us.cohere.embed-v4:0",
        ["a", PICTURE],
        [
            {
                "inputs": [
                    {"content": [{"type": "text", "text": "a"}]},
                    {"content": [{"type": "image_url", "image_url": PICTURE}]},
                ],
                "input_type": "search_document",
                "embedding_types": ["float"],
                "output_dimension": 256,
            }
        ],
        6 * 0.12e-6,
        [],
    ),
    "Nova": (
        "amazon.nova-2-multimodal-embeddings-v1:0",
        ["a", "b"],
        [
            {
                "taskType": "SINGLE_EMBEDDING",
                "singleEmbeddingParams": {
                    "embeddingPurpose": "GENERIC_INDEX",
                    "embeddingDimension": 256,
                    "text": {"truncationMode": "NONE", "value": one},
                },
            }
            for one in "ab"
        ],
        6 * 0.135e-6,
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_each_family_is_asked_in_its_own_words(aws: Service, case: str) -> None:
    model, said, bodies, cost, lost = CASES[case]
    made = await tollbridge.aembedding(
        f"bedrock/{model}", said, dimensions=256, encoding_format="base64", api_base=aws.url, num_retries=0, **PLACE
    )
    assert [item.embedding for item in made.data] == [[1.0, 0.5]] * len(said)
    asked = sorted((one.json() for one in aws.asked), key=json.dumps)
    assert asked == sorted(bodies, key=json.dumps)
    assert {one.target.rpartition("/")[2] for one in aws.asked} == {"invoke"}
    assert {one.signed_for[1:] for one in aws.asked} == {("eu-west-1", "bedrock")}
    assert made._hidden_params["response_cost"] == pytest.approx(cost)
    assert [one["where"] for one in made._hidden_params["caveats"]] == lost


@pytest.mark.parametrize(("model", "word"), [("cohere.embed-english-v3", "END"), ("cohere.embed-v4:0", "RIGHT")])
async def test_each_of_coheres_versions_has_its_own_word_for_the_end(aws: Service, model: str, word: str) -> None:
    await tollbridge.aembedding(f"bedrock/{model}", "a", truncate="END", api_base=aws.url, **PLACE)
    await tollbridge.aembedding(f"bedrock/{model}", "a", truncate="NONE", api_base=aws.url, **PLACE)
    assert [one.json()["truncate"] for one in aws.asked] == [word, "NONE"]


async def test_a_text_beside_an_image_is_refused_where_the_model_takes_one_image_alone(aws: Service) -> None:
    with pytest.raises(tollbridge.BadRequestError, match="one image a request"):
        await tollbridge.aembedding("bedrock/cohere.embed-english-v3", ["a", PICTURE], api_base=aws.url, **PLACE)
    assert not aws.asked


async def test_a_gateway_signs_each_part_and_writes_one_entry(aws: Service, tmp_path: Path) -> None:
    text = configuration(aws.url, vectors={"model": "bedrock/amazon.titan-embed-text-v2:0"})
    body = json.dumps({"model": "vectors", "input": ["a", "b", "c"]}).encode()
    async with accounted(text, tmp_path) as gateway:
        answered = await gateway.send("POST", "/v1/embeddings", body)
        row = (await entry_of(gateway))["row"]
    assert answered.status == 200
    assert [item["index"] for item in answered.json()["data"]] == [0, 1, 2]
    assert answered.json()["usage"]["prompt_tokens"] == row["prompt_tokens"] == 9
    assert row["spend"] == pytest.approx(9 * 0.02e-6)
    assert len(aws.asked) == 3


async def test_a_wrong_key_is_told_in_openais_words(aws: Service, tmp_path: Path) -> None:
    wrong = {"model": "bedrock/cohere.embed-v4:0", "aws_secret_access_key": "another"}
    async with served(configuration(aws.url, vectors=wrong), tmp_path) as gateway:
        answered = await gateway.send("POST", "/v1/embeddings", b'{"model": "vectors", "input": "a"}')
    assert answered.status == 403
    assert "security token" in answered.json()["error"]["message"]


async def test_a_ranking_is_signed_too(aws: Service) -> None:
    ranked = await tollbridge.arerank(
        "bedrock/cohere.rerank-v3-5:0", "q", ["a", "b"], top_n=1, api_base=aws.url, **PLACE
    )
    assert [(one.index, one.relevance_score) for one in ranked.results] == [(1, 0.9)]
    assert aws.last().target == "/model/cohere.rerank-v3-5%3A0/invoke"
    assert aws.last().json() == {"query": "q", "documents": ["a", "b"], "top_n": 1, "api_version": 2}
    assert ranked._hidden_params["response_cost"] == pytest.approx(0.002)
