"""Hugging Face: its router, which names the host behind it in the model's name, and endpoints of one's own.

`provider/organization/model` (LiteLLM's way) is `organization/model:provider` to the router. An `api_base` is a server
of one's own (a dedicated endpoint, TGI), which is asked for the model as it is written.

Source: https://huggingface.co/docs/inference-providers/index (seen 2026-11-26).
"""

from __future__ import annotations

from tollbridge.providers.address import join
from tollbridge.providers.row import Place
from tollbridge.providers.said import Said

ROUTER = "router.huggingface.co"


def huggingface_place(said: Said, model: str) -> Place:
    path = said.base.path
    if said.base.host == ROUTER and path == "/v1":
        host, slash, rest = model.partition("/")
        if slash and "/" in rest:
            model = f"{rest}:{host}"
    target = join(path or "/v1", said.path)
    return Place(model=model, path=f"{target}?{said.base.query}" if said.base.query else target)
