"""Who does which task, how and where: as the table says, for a model and an address."""

from __future__ import annotations

import pytest

from tollbridge.calls.build import Wanted, build
from tollbridge.calls.task_wires import HOMES, provider_task_wire
from tollbridge.errors import BadRequestError
from tollbridge.providers.resolve import Given
from tollbridge.providers.row import Provider
from tollbridge.providers.table import ROWS
from tollbridge.providers.tasks import ALIKE, TASKS, spoken

BEDROCK = Provider(name="bedrock", wire="elsewhere", base_url="https://bedrock.example")


def place(model: str, task: str, **given: str) -> tuple[str, str, str]:
    """(wire, host, path)"""
    made = build(
        Wanted(id="d", group="m", model=model, given=Given(**{"api_key": "k", **given})),  # type: ignore[arg-type]
        {"VERTEXAI_PROJECT": "p", "AZURE_API_BASE": "https://r.openai.azure.com", "DATABRICKS_HOST": "h.example"},
        ROWS,
    ).task(task)
    return made.wire.name, made.origin.host, made.path


@pytest.mark.parametrize(
    ("model", "task", "wire", "host", "path"),
    [
        ("openai/text-embedding-3-small", "embeddings", "openai_embeddings", "api.openai.com", "/v1/embeddings"),
        ("cohere/embed-v4.0", "embeddings", "cohere_embeddings", "api.cohere.com", "/v2/embed"),
        ("cohere/rerank-v3.5", "rerank", "cohere_rerank", "api.cohere.com", "/v2/rerank"),
        ("voyage/rerank-2.5", "rerank", "voyage_rerank", "api.voyageai.com", "/v1/rerank"),
        ("jina_ai/jina-reranker-v2-base-multilingual", "rerank", "cohere_rerank", "api.jina.ai", "/v1/rerank"),
        ("together_ai/Salesforce/Llama-Rank-V1", "rerank", "cohere_rerank", "api.together.ai", "/v1/rerank"),
        (
            "gemini/gemini-embedding-001",
            "embeddings",
            "gemini_embeddings",
            "generativelanguage.googleapis.com",
            "/v1beta/models/gemini-embedding-001:batchEmbedContents",
        ),
        (
            "vertex_ai/text-embedding-005",
            "embeddings",
            "vertex_embeddings",
            "aiplatform.googleapis.com",
            "/v1/publishers/google/models/text-embedding-005:predict",
        ),
        (
            "vertex_ai/gemini-embedding-2",
            "embeddings",
            "gemini_embed_content",
            "aiplatform.googleapis.com",
            "/v1/publishers/google/models/gemini-embedding-2:embedContent",
        ),
        (
            "vertex_ai/imagen-3.0-generate-001",
            "images",
            "imagen_images",
            "aiplatform.googleapis.com",
            "/v1/publishers/google/models/imagen-3.0-generate-001:predict",
        ),
        ("recraft/recraftv3", "images", "openai_images", "external.api.recraft.ai", "/v1/images/generations"),
        ("stability/sd3.5-large", "images", "stability_images", "api.stability.ai", "/v2beta/stable-image/generate"),
        ("fal_ai/fal-ai/flux/schnell", "images", "fal_images", "fal.run", ""),
        (
            "azure/own",
            "transcriptions",
            "openai_transcriptions",
            "r.openai.azure.com",
            "/openai/deployments/own/audio/transcriptions?api-version=2025-02-01-preview",
        ),
        (
            "groq/whisper-large-v3",
            "transcriptions",
            "openai_transcriptions",
            "api.groq.com",
            "/openai/v1/audio/transcriptions",
        ),
        (
            "databricks/databricks-gte-large-en",
            "embeddings",
            "openai_embeddings",
            "h.example",
            "/serving-endpoints/embeddings",
        ),
        (
            "deepseek/deepseek-chat",
            "completions",
            "openai_completions",
            "api.deepseek.com",
            "/beta/completions",
        ),
        ("mistral/codestral-2508", "completions", "mistral_fim", "api.mistral.ai", "/v1/fim/completions"),
        (
            "text-completion-codestral/codestral-latest",
            "completions",
            "mistral_fim",
            "codestral.mistral.ai",
            "/v1/fim/completions",
        ),
        (
            "huggingface/BAAI/bge-small-en",
            "embeddings",
            "tei_embeddings",
            "router.huggingface.co",
            "/hf-inference/models/BAAI%2Fbge-small-en/pipeline/feature-extraction",
        ),
    ],
)
def test_each_is_asked_where_its_vendor_says(model: str, task: str, wire: str, host: str, path: str) -> None:
    found = place(model, task)
    assert (found[0], found[1].removeprefix("us-central1-")) == (wire, host)
    assert found[2].replace("/projects/p/locations/us-central1", "") == path


@pytest.mark.parametrize(
    ("model", "base", "path"),
    [
        ("cohere/embed-v4.0", "http://h:1/v1", "/v2/embed"),
        ("cohere/embed-v4.0", "http://h:1/v2", "/v2/embed"),
        ("cohere/embed-v4.0", "http://h:1", "/v2/embed"),
        ("ollama/nomic-embed-text", "http://h:1/v1", "/api/embed"),
        ("ollama/nomic-embed-text", "http://h:1", "/api/embed"),
        ("huggingface/BAAI/bge", "http://h:1", "/embed"),
        ("huggingface/BAAI/bge", "http://h:1/embed", "/embed"),
        ("hosted_vllm/e5", "http://h:1", "/v1/embeddings"),
        ("openai/e5", "http://h:1/v1", "/v1/embeddings"),
        ("infinity/e5", "http://h:1", "/embeddings"),
    ],
)
def test_an_address_of_ones_own_is_taken_as_its_users_write_it(model: str, base: str, path: str) -> None:
    assert place(model, "embeddings", api_base=base)[1:] == ("h", path)


@pytest.mark.parametrize(
    ("model", "task", "path"),
    [
        ("voyage/voyage-3.5", "embeddings", "/v1/embeddings"),
        ("voyage/rerank-2.5", "rerank", "/v1/rerank"),
        ("jina_ai/jina-embeddings-v3", "embeddings", "/v1/embeddings"),
        ("jina_ai/jina-reranker-v2", "rerank", "/v1/rerank"),
        ("deepgram/nova-3", "transcriptions", "/v1/listen"),
        ("elevenlabs/eleven_v3", "speech", "/v1/text-to-speech"),
        ("elevenlabs/scribe_v1", "transcriptions", "/v1/speech-to-text"),
        ("recraft/recraftv3", "images", "/v1/images/generations"),
    ],
)
def test_the_version_that_an_address_leaves_out_is_put_to_it(model: str, task: str, path: str) -> None:
    for base in ("http://h:1", "http://h:1/", "http://h:1/v1"):
        assert place(model, task, api_base=base)[1:] == ("h", path)
    assert place(model, task, api_base="http://h:1/elsewhere")[2] == f"/elsewhere{path.removeprefix('/v1')}"


@pytest.mark.parametrize(
    ("model", "task", "wire"),
    [
        ("amazon.titan-embed-text-v2:0", "embeddings", "titan_embeddings"),
        ("us-west-2/amazon.titan-embed-text-v2:0", "embeddings", "titan_embeddings"),
        ("us.cohere.embed-v4:0", "embeddings", "bedrock_cohere_embeddings"),
        ("amazon.nova-2-multimodal-embeddings-v1:0", "embeddings", "nova_embeddings"),
        ("cohere.rerank-v3-5:0", "rerank", "bedrock_rerank"),
        ("amazon.rerank-v1:0", "rerank", "bedrock_rerank"),
        ("anthropic.claude-sonnet-4-5", "embeddings", None),
    ],
)
def test_a_cloud_of_many_makers_is_asked_in_the_makers_format(model: str, task: str, wire: str | None) -> None:
    found = spoken(BEDROCK, task, model)
    assert (None if found is None else found.wire) == wire


def test_who_speaks_another_format_does_no_task_unless_the_table_says_so() -> None:
    with pytest.raises(BadRequestError) as refused:
        place("anthropic/claude-sonnet-4-5", "embeddings")
    assert refused.value.code == "unsupported_endpoint"


def test_the_table_names_wires_that_there_are_for_the_task_that_they_do() -> None:
    named = [(task, how) for tasks in TASKS.values() for task, hows in tasks.items() for how in hows or ()]
    named += ALIKE.items()
    for task, how in named:
        wire = provider_task_wire(how.wire)
        assert wire.name == how.wire
        assert wire.task.name == task or (task, how.wire) == ("image_edits", "gemini_images")
        assert bool(how.path) != bool(how.beside)
    assert {how.wire for _, how in named} == set(HOMES)
