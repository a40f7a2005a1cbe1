"""Any to any: one rich request in each dialect, as it goes out to a model in each format.

    python -m tests.wires.any_to_any.table          writes golden/ anew; read what changed before it is committed

A golden file holds where it is sent, the body, and the Caveats. What vendors publish is the judge besides
(`test_any_to_any.py`); these files show what nobody publishes: what was lost, and what stands in its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import WIRES, Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.prepare import prepare
from tollbridge.errors import BadRequestError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.wires.seal import Seals

HERE = Path(__file__).parent
DIALECTS = ("openai_chat", "anthropic_messages", "openai_responses", "gemini")
MODELS: dict[str, str] = {
    "openai": "openai/gpt-4.1",
    "openai-reasoning": "openai/gpt-5",
    "openai-responses": "openai/responses/gpt-5",
    "anthropic": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-3-flash-preview",
    "mistral": "mistral/mistral-medium-latest",
    "deepseek": "deepseek/deepseek-reasoner",
    "groq": "groq/openai/gpt-oss-120b",
    "databricks": "databricks/databricks-claude-sonnet-4-5",
    "watsonx": "watsonx/meta-llama/llama-4-maverick-17b-128e-instruct-fp8",
    "replicate": "replicate/anthropic/claude-4-sonnet",
    "cohere": "cohere/command-a-reasoning-08-2025",
    "ollama": "ollama/gpt-oss:20b",
    "ollama-without-tools": "ollama/llama2",
    "bedrock-claude": "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "bedrock-claude-invoke": "bedrock/invoke/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "bedrock-nova": "bedrock/us.amazon.nova-2-lite-v1:0",
}
"""By the name of the golden file: a model in each format, and of OpenAI's chat format those that differ most."""
ENVIRON: dict[str, str] = {
    "AWS_REGION": "us-east-1",
    "DATABRICKS_HOST": "workspace.example",
    "WATSONX_REGION": "us-south",
    "WATSONX_PROJECT_ID": "project",
}


def requested(dialect: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((HERE / "requests" / f"{dialect}.json").read_text())
    request: dict[str, Any] = case["request"]
    return request


def deployed(model: str) -> Deployment:
    return build(Wanted(id="d", group="any", model=model, given=Given(api_key="k")), ENVIRON, ROWS)


def written(dialect: str, model: str) -> dict[str, Any]:
    """What goes out: where to, the body, and the Caveats as (code, path, sentence)."""
    body = json.dumps(requested(dialect)).encode()
    ask = Ask(WIRES[dialect], body, peek(body), "any", stream=False, seals=Seals(b"k" * 32))
    deployment = deployed(model).for_dialect(dialect)
    try:
        made = prepare(ask, deployment)
    except BadRequestError as error:
        return {"refused": {"message": error.message, "param": error.param}}
    return {
        "sent": f"POST {made.outgoing.target}",
        "relayed": made.relayed,
        "body": json.loads(made.outgoing.body),
        "caveats": [[caveat.code, caveat.where, caveat.detail] for caveat in made.caveats],
    }


def golden(dialect: str, name: str) -> Path:
    return HERE / "golden" / f"{dialect}-to-{name}.json"


def text_of(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    for dialect in DIALECTS:
        for name, model in MODELS.items():
            golden(dialect, name).write_text(text_of(written(dialect, model)))


if __name__ == "__main__":
    main()
