"""Perplexity: its Agent API, in the format of Responses, is all that is left at its own address for text.

    sonar, sonar-pro, ...      Sonar's models of chat, by the presets that take their places, on Perplexity's own model
    preset/NAME                a preset, on whatever model that is for
    OWNER/NAME                 a model, which searches nothing by itself

A preset brings the search along. It may be for somebody else's model: who asks for Sonar stays with Perplexity, since a
model in the request goes before the preset's. Somebody else's address is asked as it says (`chat_path`).

Sources: https://docs.perplexity.ai/docs/agent-api/migrate-from-sonar, and the vendor's tables for it,
https://github.com/perplexityai/api-platform-developers/tree/main/skills/migrate-sonar-to-agent-api/references (both
seen 2026-11-28); since when, https://github.com/vercel/ai/releases/tag/%40ai-sdk%2Fperplexity%403.1.0 (likewise).
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.providers.address import join
from tollbridge.providers.row import CHAT, RESPONSES, WIRES, Place
from tollbridge.providers.said import Said

HOST = "api.perplexity.ai"
TARGET = "/v1/responses"
SONAR = "perplexity/sonar"
PRESETS: Mapping[str, str] = {
    "sonar": "fast",
    "sonar-pro": "low",
    "sonar-reasoning": "low",
    "sonar-reasoning-pro": "low",
    "sonar-deep-research": "medium",
}


def perplexity_place(said: Said, model: str) -> Place:
    if said.base.host != HOST or said.path not in (WIRES[CHAT].chat_path, TARGET):
        return Place(model=model, path=join(said.base.path, said.path))
    preset = PRESETS.get(model)
    path = join(said.base.path, TARGET)
    if preset is None:
        return Place(model=model, path=path, wire=RESPONSES)
    return Place(model=SONAR, path=path, wire=RESPONSES, lends={"preset": preset})
