"""The litellm SDK as a client; the argument is its provider (openai, anthropic, litellm_proxy)."""

from __future__ import annotations

import json
from typing import Any

import litellm
from cases import KEY, PROVIDER, QUESTION, URL, Answer, as_function, each

litellm.suppress_debug_info = True
BASE = URL if PROVIDER == "anthropic" else f"{URL}/v1"


def answer(case: dict[str, Any]) -> Answer:
    tool = case["tool"]
    messages: list[Any] = [{"role": "user", "content": QUESTION}]

    def complete() -> Any:
        said = {"tools": [as_function(tool)]} if tool else {}
        completion = litellm.completion(
            model=f"{PROVIDER}/{case['model']}",
            messages=messages,
            api_base=BASE,
            api_key=KEY,
            max_tokens=500,
            num_retries=0,
            stream=case["stream"],
            **said,
        )
        if case["stream"]:
            completion = litellm.stream_chunk_builder(list(completion), messages=messages)
        return completion.choices[0].message

    first = last = complete()
    calls = first.tool_calls or []
    if case["loop"]:
        messages.append(first.model_dump())
        messages += [{"role": "tool", "tool_call_id": call.id, "content": tool["result"]} for call in calls]
        last = complete()
    return last.content or "", [(call.function.name, json.loads(call.function.arguments)) for call in calls]


each(answer)
