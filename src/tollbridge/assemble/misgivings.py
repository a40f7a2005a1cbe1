"""What a start warns of, and `tollbridge check` with it: deployments that do not serve, or at a price nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from tollbridge.assemble.deployments import Maker, unpriced
from tollbridge.calls.deployment import Deployment
from tollbridge.catalog.facts import catalog
from tollbridge.catalog.near import did_you_mean, near
from tollbridge.config.findings import Findings, Place
from tollbridge.config.settings import Config, ModelEntry
from tollbridge.transport.proxy import unusable_proxies

NOTHING_SERVED = (
    "serves nothing: it has neither models nor MCP servers. Write a `model_list` (`tollbridge init` makes a file with "
    "one) or `mcp_servers`, or start without a file to serve each provider whose key is in the environment"
)

UNPRICED_MAX = 10
"""Models without a price that are told one by one."""


class Misgiving(msgspec.Struct, frozen=True):
    """`serves`: at an unknown price. `also`: other entries that it is true of. It is a `str` as a finding of the
    configuration is."""

    entry: ModelEntry
    message: str
    serves: bool
    also: tuple[ModelEntry, ...] = ()

    def __str__(self) -> str:
        return f"{self.entry.where}: warning: {self.message}"


def misgivings(maker: Maker) -> list[Misgiving]:
    """After the maker made its groups. What the configuration's own findings told of is left out."""
    idle = [(entry, why) for entry, why in maker.problems if entry.disabled is None]
    found = [
        Misgiving(entry, f"this deployment of {entry.model_name!r} does not serve: {why}", serves=False)
        for entry, why in idle
    ]
    return [*found, *_unpriced(maker)]


def _unpriced(maker: Maker) -> Iterator[Misgiving]:
    """One for each model, and after some of them one for all others. Only what is told is looked for among names that
    resemble it: that is slow."""
    by_model: dict[str, list[tuple[ModelEntry, Deployment]]] = {}
    for entry, deployment in maker.unpriced:
        by_model.setdefault(unpriced(entry.model, deployment), []).append((entry, deployment))
    models = list(by_model.items())
    for told, [(first, deployment), *others] in models[:UNPRICED_MAX]:
        more = f" (and {len(others)} more deployment{'s' if len(others) > 1 else ''} of it)" if others else ""
        yield Misgiving(
            first, f"{first.model_name}{more}: {told}{_meant(deployment)}", True, tuple([entry for entry, _ in others])
        )
    if len(models) > UNPRICED_MAX:
        first, *rest = [entry for _, several in models[UNPRICED_MAX:] for entry, _ in several]
        told = f"{first.model_name} and others: no price is known for {len(models) - UNPRICED_MAX} more models either."
        yield Misgiving(first, told, True, tuple(rest))


def _meant(deployment: Deployment) -> str:
    """Of a model that nobody knows: models of that provider that are called nearly so."""
    if deployment.facts is not None and deployment.facts.mode:
        return ""
    prefix = f"{deployment.provider}/"
    close = near(prefix + deployment.model, [prefix + name for name in catalog().names_of(deployment.provider)])
    return f" {did_you_mean([one.removeprefix(prefix) for one in close])}" if close else ""


def tell_nothing_served(config: Config, findings: Findings) -> None:
    """A warning for a file by which nobody is served: `serve` starts all the same, and answers 404."""
    if config.source is not None and not (config.models or config.mcp_servers or config.general.own_paths):
        findings.warning(Place(str(config.source)), NOTHING_SERVED)


def tell_unusable_proxies(environ: Mapping[str, str], findings: Findings) -> None:
    """Warnings: what is near is served all the same."""
    for why in unusable_proxies(environ):
        findings.warning(
            Place("the environment"), f"{why} Until then every request to a provider that is far away fails"
        )
