"""instructor: an answer as a pydantic object, by way of a tool that has the object's name. The argument is the provider
whose format it speaks (openai, anthropic)."""

from __future__ import annotations

from typing import Any

import instructor
from anthropic import Anthropic
from cases import KEY, PROVIDER, QUESTION, URL, Answer, each
from openai import OpenAI
from pydantic import create_model

TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "array": list, "object": dict}


def answer(case: dict[str, Any]) -> Answer:
    tool = case["tool"]
    fields: Any = {name: (TYPES[value["type"]], ...) for name, value in tool["schema"]["properties"].items()}
    shape = create_model(tool["name"], __doc__=tool["description"], **fields)
    said: dict[str, Any] = {"model": case["model"], "messages": [{"role": "user", "content": QUESTION}]}
    if PROVIDER == "anthropic":
        client: Any = instructor.from_anthropic(Anthropic(base_url=URL, api_key=KEY, max_retries=0))
        said["max_tokens"] = 500
    else:
        client = instructor.from_openai(OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0))
    if case["stream"]:
        *_, found = client.create_partial(response_model=shape, max_retries=1, **said)
    else:
        found = client.create(response_model=shape, max_retries=1, **said)
    return "", [(tool["name"], found.model_dump())]


each(answer)
