"""The words of Replicate's predictions: https://replicate.com/docs/reference/http,
https://replicate.com/docs/topics/predictions/lifecycle, .../streaming (seen 2026-11-26).

Each model has inputs of its own; these are the names that its official language models share, and in which they differ.
"""

from __future__ import annotations

NAME = "replicate"
PATH = "/v1/predictions"

UNDER_WAY = frozenset({"starting", "processing"})
SUCCEEDED = frozenset({"succeeded", "successful"})

INPUTS = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
"""The neutral model's name -> the input's. https://replicate.com/meta/meta-llama-3-70b-instruct (seen 2026-11-26)"""

OPENAI = "openai/"
OPENAI_INPUTS = {**INPUTS, "max_tokens": "max_completion_tokens"}
"""https://replicate.com/openai/gpt-4o (seen 2026-11-26)"""

OWN_INPUTS = frozenset(
    {
        "extended_thinking",
        "length_penalty",
        "max_image_resolution",
        "max_new_tokens",
        "min_new_tokens",
        "min_tokens",
        "prompt_template",
        "repetition_penalty",
        "stop_sequences",
        "thinking_budget_tokens",
        "verbosity",
    }
)
"""Inputs that no dialect has a word for, and that go on under their own names."""
