"""What OpenAI's models refuse, wherever they are served."""

from __future__ import annotations

import re

from tollbridge.providers.row import ForModels
from tollbridge.providers.rows.alike import PENALTIES

OPENAI_MODELS = (
    # "Unrecognized request argument supplied: reasoning_effort" (github.com/AAswordman/Operit/issues/1048 and others,
    # seen 2026-11-26)
    ForModels(
        names=re.compile(r"(?:ft:)?(?:gpt-[34]|chatgpt-)|gpt-5-chat"),
        drops=frozenset({"reasoning_effort", "thinking"}),
        lacks=frozenset({"reasoning"}),
    ),
    # o-series and gpt-5 (not 5.1 and later, not the chat models) refuse sampling and, from o3 on, `stop`; all reasoning
    # models refuse `max_tokens`. https://platform.openai.com/docs/guides/reasoning and recorded refusals.
    ForModels(
        names=re.compile(r"o[1-9]|gpt-[5-9]|codex"),
        prefers={"max_tokens": "max_completion_tokens"},
        renames={"max_tokens": "max_completion_tokens"},
    ),
    ForModels(
        names=re.compile(r"o[1-9]|gpt-5(?:-(?!chat)|$)"),
        drops=PENALTIES | {"temperature", "top_p", "logprobs", "top_logprobs", "logit_bias"},
        lacks=PENALTIES | {"temperature", "top_p", "logprobs", "top_logprobs"},
    ),
    ForModels(
        names=re.compile(r"o[3-9](?!-mini)|o4|gpt-5(?:-(?!chat)|$)"),
        drops=frozenset({"stop"}),
        lacks=frozenset({"stop"}),
    ),
    ForModels(names=re.compile(r"o1-(?:mini|preview)"), lacks=frozenset({"system", "tools", "tool_choice"})),
)
