"""Where a widely used implementation sends the same models: a comparison of addresses, not of bodies."""

from __future__ import annotations

import msgspec
import pytest

from tests.shared import SHARED
from tollbridge.providers.resolve import Given, resolve
from tollbridge.providers.table import ROWS

DIFFERS = {
    "deepseek": "it calls the beta address; the recorded clients call api.deepseek.com itself",
    "deepseek_reasoner": "as deepseek",
    "azure_ai": "it sends no api-version; Microsoft's page and the recordings have one",
    "perplexity": "it asks for a chat, which is gone since 2026-09-27",
}

TARGETS = [
    ("anthropic", "anthropic/claude-sonnet-4-5", Given()),
    ("azure", "azure/gpt-4o", Given(api_base="https://resource.openai.azure.com", api_version="2024-10-21")),
    ("azure_ai", "azure_ai/grok-3", Given(api_base="https://resource.services.ai.azure.com")),
    ("cerebras", "cerebras/llama3.1-8b", Given()),
    ("cohere", "cohere_chat/command-a-03-2025", Given()),
    ("databricks", "databricks/x", Given(api_base="https://workspace.azuredatabricks.net/serving-endpoints")),
    ("deepseek", "deepseek/deepseek-chat", Given()),
    ("deepseek_reasoner", "deepseek/deepseek-reasoner", Given()),
    ("fireworks", "fireworks_ai/llama-v3p3-70b-instruct", Given()),
    ("groq", "groq/llama-3.3-70b-versatile", Given()),
    ("huggingface", "huggingface/deepseek-ai/DeepSeek-R1", Given()),
    ("mistral", "mistral/mistral-large-latest", Given()),
    ("ollama_chat", "ollama_chat/qwen3", Given()),
    ("openai", "openai/gpt-4o", Given()),
    ("openai_reasoning", "openai/gpt-5-mini", Given()),
    ("openrouter", "openrouter/anthropic/claude-sonnet-4.5", Given()),
    ("perplexity", "perplexity/sonar", Given()),
    ("together", "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo", Given()),
    ("xai", "xai/grok-4", Given()),
    (
        "watsonx",
        "watsonx/ibm/granite-3-8b-instruct",
        Given(extra={"watsonx_region_name": "us-south", "project_id": "P"}),
    ),
    ("zai", "zai/glm-4.6", Given()),
]


@pytest.mark.parametrize(("target", "model", "given"), TARGETS, ids=[target for target, _, _ in TARGETS])
def test_addresses_and_model_names_are_the_same_unless_we_say_why(target: str, model: str, given: Given) -> None:
    found = resolve(model, given=msgspec.structs.replace(given, api_key="k"), environ={}, rows=ROWS)
    port = "" if found.port in (80, 443) else f":{found.port}"
    ours = f"{found.scheme}://{found.host}{port}{found.path}"
    seen: set[str] = set()
    models: set[str] = set()
    path = SHARED / "parity" / "requests" / f"chat_{target}.json"
    for case in msgspec.json.decode(path.read_bytes())["cases"]:
        for sent in case.get("sent") or []:
            if sent["url"].endswith(("/responses", ".json")):
                continue
            seen.add(sent["url"])
            models.add(sent["body"].get("model"))
            names = {name.lower() for name in sent["headers"]}
            assert {name for name, _ in found.headers} <= names | {"anthropic-version"}
    assert (ours in seen) != (target in DIFFERS), seen
    if target not in ("anthropic", "databricks", "perplexity"):
        assert found.model in models
