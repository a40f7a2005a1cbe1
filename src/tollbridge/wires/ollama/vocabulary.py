"""The words of Ollama's own chat format that several files need.

Format: https://docs.ollama.com/api/chat and https://github.com/ollama/ollama/blob/main/docs/api.md (seen 2026-11-26),
the types of the vendor's Python package (ollama 0.6.3), and the exchanges in ../shared/recordings.
"""

from __future__ import annotations

from tollbridge.model.response import FinishReason

NAME = "ollama"
PATH = "/api/chat"

FINISH: dict[str, FinishReason] = {"stop": "stop", "length": "length", "load": "stop", "unload": "stop"}
"""`load` and `unload`: a request without messages only brings the model into memory, or out of it."""

OPTIONS = frozenset(
    {
        *("num_ctx", "num_keep", "num_predict", "num_batch", "num_gpu", "num_thread", "main_gpu", "low_vram"),
        *("numa", "use_mmap", "use_mlock", "f16_kv", "logits_all", "vocab_only", "embedding_only"),
        *("min_p", "typical_p", "tfs_z", "repeat_last_n", "repeat_penalty", "penalize_newline"),
        *("mirostat", "mirostat_tau", "mirostat_eta", "draft_num_predict"),
    }
)
"""What `options` may hold besides what other formats have too: taken from anybody who says it."""

OWN_FIELDS = frozenset({"keep_alive", "think", "format", "truncate", "shift"})
"""Fields beside `options` that no dialect of a client has: likewise."""


def has_levels(model: str) -> bool:
    """Whether how much to think can be said; others are told whether. https://docs.ollama.com/capabilities/thinking
    (seen 2026-11-26)"""
    return model.rpartition("/")[2].startswith("gpt-oss")
