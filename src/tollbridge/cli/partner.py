"""Who answers `run` and `chat`: a provider, asked from here as the SDK asks it, or a gateway that runs.

Of a gateway's answer the cost is what it says at its own prices (`/spend/calculate`); a price that it does not know is
no error.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from tollbridge.cli.gateway import KEY_VARIABLE, URL_VARIABLE, Gateway, address, reached
from tollbridge.config.environment import read_dotenv
from tollbridge.config.findings import Findings
from tollbridge.errors import APIError, AuthenticationError, ConfigError
from tollbridge.model.json import Json, JsonObject
from tollbridge.providers.ready import available
from tollbridge.providers.table import DEMO, ROWS
from tollbridge.sdk.mcp.formats import text_of
from tollbridge.sdk.mcp.run import MAX_ROUNDS, Made, Told, run
from tollbridge.sdk.mcp.servers import GATEWAY_KEY, Source
from tollbridge.sdk.mcp.tools import Tools
from tollbridge.sdk.objects import ModelResponse
from tollbridge.transport.egress import split_url

MODEL_VARIABLE = "TOLLBRIDGE_MODEL"
BEHIND_A_GATEWAY = "litellm_proxy"
"""The row of a gateway that speaks OpenAI's chat format and says of itself nothing more."""


class Used(msgspec.Struct, frozen=True):
    """Tokens. `cached` are part of `input`, `reasoning` part of `output`."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Used) -> Used:
        return Used(
            *(a + b for a, b in zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True))
        )


class Called(msgspec.Struct, frozen=True):
    """A call of a tool. `result`: its words."""

    name: str
    arguments: JsonObject
    result: str
    is_error: bool
    cost_usd: float


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one question. `cost_usd`: of all its rounds and calls, None where a price is not known. `caveats`:
    what could not be said to the provider. `finish_reason`: of the last answer."""

    model: str
    answer: str
    finish_reason: str | None
    rounds: int
    calls: Sequence[Called]
    usage: Used
    cost_usd: float | None
    caveats: Sequence[Json]


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told while an answer comes; as `tollbridge.run` has them."""

    on_text: Callable[[str], None] | None = None
    on_answer: Callable[[ModelResponse], None] | None = None
    on_call: Callable[[Made], None] | None = None
    on_progress: Told | None = None


class Partner:
    """`url`, `key`: of a gateway; no `url` asks the providers from here. `variable`: which named it, "" where the
    command did."""

    def __init__(self, url: str | None = None, key: str | None = None, variable: str = "") -> None:
        self.url = url
        self.variable = variable
        self._key = key

    @property
    def name(self) -> str:
        return "from here" if self.url is None else f"through {self.url}"

    def sources(self, said: Iterable[str]) -> list[Source]:
        """`--mcp`. At the gateway, a path (`/mcp`, `/mcp/github`) or a URL of its own is shown the key; no other is."""
        return [self._source(one) for one in said]

    def _source(self, said: str) -> Source:
        if self.url is None:
            return said
        if said == "/mcp" or said.startswith("/mcp/"):
            return {"server_name": "gateway", "url": self.url + said, "static_headers": self._shown()}
        if said.startswith(("http://", "https://")) and split_url(said)[0] == split_url(self.url)[0]:
            return {"server_name": "gateway", "url": said, "static_headers": self._shown()}
        return said

    def _shown(self) -> JsonObject:
        return {} if self._key is None else {GATEWAY_KEY: f"Bearer {self._key}"}

    async def ask(
        self,
        model: str,
        messages: Sequence[Any],
        tools: Tools,
        *,
        hooks: Hooks,
        max_rounds: int = MAX_ROUNDS,
        **parameters: Any,
    ) -> tuple[Turn, list[Any]]:
        """What came of it, and the conversation to go on from. Raises APIError."""
        answers: list[ModelResponse] = []

        def answered(response: ModelResponse) -> None:
            answers.append(response)
            if hooks.on_answer is not None:
                hooks.on_answer(response)

        try:
            done = await run(
                model,
                messages,
                tools=tools,
                max_rounds=max_rounds,
                on_text=hooks.on_text,
                on_answer=answered,
                on_call=hooks.on_call,
                on_progress=hooks.on_progress,
                **self._way(),
                **parameters,
            )
        except AuthenticationError as error:
            if self.url is not None and error.provider == BEHIND_A_GATEWAY:
                error.provider, error.key_place = f"the gateway {self.url}", f"--key, or {KEY_VARIABLE}"
            raise
        cost = done.cost if self.url is None else await self._charged(model, answers, done.calls)
        turn = Turn(
            model=model,
            answer=done.text,
            finish_reason=done.response.choices[0].finish_reason,
            rounds=done.rounds,
            calls=[shown(made) for made in done.calls],
            usage=sum(map(used, answers), Used()),
            cost_usd=cost,
            caveats=[caveat for answer in answers for caveat in answer._hidden_params.get("caveats", ())],
        )
        return turn, done.messages

    def _way(self) -> Mapping[str, Any]:
        if self.url is None:
            return {}
        return {"custom_llm_provider": BEHIND_A_GATEWAY, "api_base": f"{self.url}/v1", "api_key": self._key}

    async def _charged(self, model: str, answers: Sequence[ModelResponse], calls: Sequence[Made]) -> float | None:
        total = sum(made.cost for made in calls)
        async with reached(self.url or "", self._key) as gateway:
            for answer in answers:
                try:
                    total += await _price(gateway, model, answer)
                except APIError:
                    return None
        return total

    async def models(self) -> list[str]:
        """Names that can be asked for: the gateway's, or the patterns of the providers whose keys are here. Raises
        APIError."""
        if self.url is None:
            rows = [row.name for row in available(os.environ, ROWS) if row.name != DEMO.name]
            return [f"{name}/*" for name in (DEMO.name, *rows)]
        async with reached(self.url, self._key) as gateway:
            told = await gateway.ask("GET", "/v1/models")
        return [one["id"] for one in told["data"]]


async def _price(gateway: Gateway, model: str, answer: ModelResponse) -> float:
    told = await gateway.ask("POST", "/spend/calculate", {"model": model, "completion_response": dict(answer)})
    return float(told["cost"])


def used(response: ModelResponse) -> Used:
    usage = response.get("usage") or {}
    read, written = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    return Used(
        usage.get("prompt_tokens") or 0,
        usage.get("completion_tokens") or 0,
        read.get("cached_tokens") or 0,
        written.get("reasoning_tokens") or 0,
    )


def shown(made: Made) -> Called:
    return Called(made.name, made.arguments, text_of(made.result), made.result.isError is True, made.cost)


def asking(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say who is asked, with which tools."""
    options = (
        click.option(
            "--model", "-m", help=f"Who is asked: provider/model or a well-known name; else ${MODEL_VARIABLE}."
        ),
        click.option("--system", "-s", help="What the model is told before all else."),
        click.option(
            "--mcp",
            "mcp",
            multiple=True,
            metavar="URL|COMMAND|FILE",
            help="Tools: a URL, a command, or a JSON file with mcpServers; with --gateway also /mcp. May be repeated.",
        ),
        click.option("--gateway", "-g", metavar="URL", help=f"Ask a gateway that runs; else ${URL_VARIABLE}, if set."),
        click.option("--key", help=f"The gateway's key; else ${KEY_VARIABLE}, else, on this machine, the admin's."),
        click.option(
            "--max-rounds",
            type=click.IntRange(1, 1000),
            default=MAX_ROUNDS,
            show_default=True,
            help="How often the model may call tools and be asked again.",
        ),
        click.option(
            "--param",
            "params",
            multiple=True,
            metavar="NAME=VALUE",
            help="A field of the request (temperature=0); the value is JSON or text. May be repeated.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def partner_of(gateway: str | None, key: str | None) -> Partner:
    """As the options say, else as the environment does, what `.env` adds to it included. Raises ConfigError."""
    for name, value in read_dotenv(os.environ, Findings(), Path.cwd()).items():
        os.environ.setdefault(name, value)  # where the SDK looks
    if gateway is None and not os.environ.get(URL_VARIABLE):
        if key is not None:
            raise ConfigError("--key is a gateway's: say --gateway too. A provider's stands in its own variable.")
        return Partner()
    url, key = address(gateway, key, os.environ)
    return Partner(url.rstrip("/").removesuffix("/v1"), key, URL_VARIABLE if gateway is None else "")


def model_of(said: str | None) -> str:
    model = said or os.environ.get(MODEL_VARIABLE)
    if not model:
        raise ConfigError(
            f"Say which model: --model gpt-4.1, or {MODEL_VARIABLE}. `tollbridge providers --ready` shows whose keys "
            "are here; demo/hello answers offline."
        )
    return model


def parameters_of(pairs: Iterable[str]) -> dict[str, Any]:
    """`--param`. Raises ConfigError."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, said = pair.partition("=")
        if not (name and equals):
            raise ConfigError(f"--param {pair}: write NAME=VALUE.")
        if name in _OURS:
            raise ConfigError(f"--param {name}: that is not a field to be set here; see --help.")
        try:
            found[name] = msgspec.json.decode(said)
        except msgspec.DecodeError:
            found[name] = said
    return found


_OURS = frozenset(
    {"model", "messages", "tools", "stream", "on_text", "on_answer", "on_call", "on_progress", "max_rounds"}
    | {"api_key", "api_base", "base_url", "custom_llm_provider"}
)
