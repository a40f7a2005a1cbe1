"""The models that the gateway is given: what the mock provider does under each name, and what its tokens cost.

Each stands there twice, at a provider that speaks OpenAI chat and at one that speaks Anthropic Messages. Texts are cut
so that an event of the mock, which it bills as one token, is about one token for our tokenizer, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

WIRES = ("openai", "anthropic")
TOKEN_CHARACTERS = 4
FALLBACK = "plain"


class Model(msgspec.Struct, frozen=True):
    """`script`: the mock's. `prices`: nano-dollars for a token in and out; None where nobody knows them. `exact`: a
    whole answer comes with usage that counts it. `falls_back`: to `FALLBACK`."""

    name: str
    script: str
    prices: tuple[int, int] | None = (2_000, 10_000)
    exact: bool = True
    falls_back: bool = False


PLAIN = Model("plain", "events=6")
SLOW = Model("slow", "delay_ms=20,events=40,pace_ms=4")
SPLIT = Model("split", "events=5,split_bytes=29", prices=(125, 375))
TWICE = Model("twice", "events=7,usage=twice")
UNPRICED = Model("unpriced", "events=4", prices=None)
FREE = Model("free", "events=4", prices=(0, 0))
AGAIN = Model("again", "events=9,garbage=html", falls_back=True)
SOUND = (PLAIN, SLOW, SPLIT, TWICE, UNPRICED, FREE, AGAIN)
"""Their answers arrive whole, at the first attempt or the second."""

FAULTY = (
    Model("refused", "status=429,retry_after=0"),
    Model("failing", "status=500"),
    Model("failing-once", "status=503", falls_back=True),
    Model("cut", "events=12,cut=5"),
    Model("reset", "events=12,rst=5"),
    Model("erring", "events=12,error=5"),
    Model("silent", "events=12,silence=5"),
    Model("dropped", "events=12,cut=0"),
    Model("no-usage", "events=30,usage=none", exact=False),
    Model("null-usage", "events=30,usage=null", exact=False),
    Model("senseless-usage", "events=30,usage=negative", exact=False),
    Model("page", "events=5,garbage=html"),
    Model("half", "events=5,garbage=json"),
    Model("nothing", "events=5,garbage=empty"),
    Model("plain-text", "events=5,garbage=type"),
    Model("closing", "events=5,close"),
    Model("stale", "events=5,stale_ms=1"),
)


def aliases(models: Sequence[Model]) -> list[str]:
    """As the mock's command line takes them."""
    return [f"{model.name}-{wire}={model.script},size={TOKEN_CHARACTERS}" for model in models for wire in WIRES]


def configuration(models: Sequence[Model], mock_port: int, **general: object) -> dict[str, object]:
    entries = [_entry(model, wire, mock_port) for model in models for wire in WIRES]
    falling = [
        {f"{model.name}-{wire}": [f"{FALLBACK}-{wire}"]} for model in models if model.falls_back for wire in WIRES
    ]
    return {
        "model_list": entries,
        "router_settings": {"num_retries": 0, "disable_cooldowns": True, "fallbacks": falling, "retry_after": 0},
        "general_settings": general,
    }


def _entry(model: Model, wire: str, mock_port: int) -> dict[str, object]:
    base = f"http://127.0.0.1:{mock_port}"
    parameters: dict[str, object] = {
        "model": f"{wire}/{model.name}-{wire}",
        "api_base": base + ("/v1" if wire == "openai" else ""),
        "api_key": "provider-key",
        "max_retries": 0,
    }
    if model.prices is not None:
        into, out = model.prices
        parameters |= {"input_cost_per_token": into / 1e9, "output_cost_per_token": out / 1e9}
    return {"model_name": f"{model.name}-{wire}", "litellm_params": parameters}
