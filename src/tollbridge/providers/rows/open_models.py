"""How open models are told to think: by a variable of their chat template, which servers pass on.

https://docs.vllm.ai/en/stable/features/reasoning_outputs/ (seen 2026-11-26): Qwen 3, GLM and Gemma 4 read
`enable_thinking`, DeepSeek from V3.1 on, Granite and Kimi read `thinking`. gpt-oss reads `reasoning_effort`.
"""

from __future__ import annotations

import re

from tollbridge.providers.row import ForModels

_ENABLE_THINKING = re.compile(r"qwen-?3|qwq|glm-|gemma-?4|nemotron|hunyuan|ernie", re.IGNORECASE)
_THINKING = re.compile(r"deepseek-v(?:3\.[1-9]|[4-9])|granite-|kimi-", re.IGNORECASE)

TEMPLATES = (
    ForModels(names=_ENABLE_THINKING, prefers={"reasoning": "template_enable_thinking"}),
    ForModels(names=_THINKING, prefers={"reasoning": "template_thinking"}),
)
