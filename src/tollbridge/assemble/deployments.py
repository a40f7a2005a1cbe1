"""`model_list` -> groups of deployments; wildcards become makers. Without a file, the environment says who is there."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set

import msgspec

from tollbridge.assemble.offline import offline
from tollbridge.calls.build import Wanted, build, stands_for
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.tariff import Markups
from tollbridge.config.settings import Config, ModelEntry
from tollbridge.errors import APIError, NotFoundError, ServiceUnavailableError
from tollbridge.providers.azure_token import with_own_identity
from tollbridge.providers.extras import MISSING
from tollbridge.providers.mock import mocked
from tollbridge.providers.ready import available
from tollbridge.providers.resolve import Given
from tollbridge.providers.row import NO_CHAT, Provider
from tollbridge.providers.table import DEMO
from tollbridge.routing.groups import NAME_BYTES, Group, Groups, Idle, Wildcard, none_enabled
from tollbridge.routing.groups import Maker as MakerOfGroups
from tollbridge.secret import without_keys
from tollbridge.transport.base import Origin, Timeouts
from tollbridge.transport.inprocess import ByHost, InProcess
from tollbridge.wires.one_way import OneWay

log = logging.getLogger(__name__)

CONNECT_S = 5.0
FIRST_BYTE_S = 600.0
GAP_S = 300.0
LOGGED_MAX = 1_000
"""Lines of the log about what clients asked for."""


class Maker:
    """Makes deployments from entries, under one environment and one table of providers. `problems`: entries that cannot
    serve, as (entry, why). `unpriced`: those that serve, and nobody knows at what price."""

    def __init__(self, config: Config, environ: Mapping[str, str], rows: Mapping[str, Provider], mocks: ByHost) -> None:
        """`mocks`: where entries with a `mock_response` put their answers."""
        self._config = config
        self._environ = with_own_identity(environ) if config.settings.own_identity else environ
        self._rows = rows
        self._mocks = mocks
        self.markups = Markups(config.settings.discounts, config.settings.margins)
        self.filed = config.general.prices_file.models
        self.problems: list[tuple[ModelEntry, str]] = []
        self.unpriced: list[tuple[ModelEntry, Deployment]] = []
        self._logged: set[tuple[str, str]] = set()

    def groups(self) -> Groups[Deployment]:
        config = self._config
        named: dict[str, list[Deployment]] = {}
        wildcards: list[Wildcard[Deployment]] = []
        for entry in config.models:
            if "*" in entry.model_name:
                wildcards.append(Wildcard(entry.model_name, self._wildcard(entry)))
                self._try_wildcard(entry)
                continue
            members = named.setdefault(entry.model_name, [])
            deployment = self._entry(entry)
            if deployment is not None:
                members.append(deployment)
        aliases = {alias: to.model for alias, to in config.router.aliases.items()}
        hidden = frozenset(alias for alias, to in config.router.aliases.items() if to.hidden)
        groups = [Group(name, name, tuple(members)) for name, members in named.items()]
        ids = {one.id: Group(one.id, group.label, (one,), group.name) for group in groups for one in group.members}
        idle: dict[str, list[Idle]] = {}
        for entry, why in self.problems:
            idle.setdefault(entry.model_name, []).append(Idle(entry.id, entry.model, why))
        return Groups(groups, wildcards, aliases, hidden, ids=ids, idle=idle)

    def of_environment(self) -> Groups[Deployment]:
        """What is served without a file: every provider whose key is in the environment, the offline one, and bare
        names that the catalog or their prefix gives to one of them."""
        served = [DEMO, *(row for row in available(self._environ, self._rows) if row.name != DEMO.name)]
        return Groups([], [self._all_of(row) for row in served], bare=lambda name, _: [self._named(name, "*")])

    def _all_of(self, row: Provider) -> Wildcard[Deployment]:
        pattern = f"{row.name}/*"
        return Wildcard(pattern, lambda name, _: [self._named(name, pattern)])

    def _entry(self, entry: ModelEntry) -> Deployment | None:
        if entry.disabled is not None:
            self.problems.append((entry, entry.disabled))
            return None
        try:
            deployment = self._built(entry, self.wanted(entry))
            if deployment.wire.name == NO_CHAT:
                _check_tasks(deployment)
        except (APIError, ValueError) as error:
            self.problems.append((entry, str(error)))
            return None
        if not deployment.tariff.covers and entry.mock_response is None:
            self.unpriced.append((entry, deployment))
        return deployment

    def _try_wildcard(self, entry: ModelEntry) -> None:
        """With a name of no meaning."""
        why = entry.disabled
        if why is None and entry.model != "*" and entry.mock_response is None:
            try:
                any_model = msgspec.structs.replace(self.wanted(entry), model=entry.model.replace("*", "any", 1))
                build(any_model, self._environ, self._rows)
            except (APIError, ValueError) as error:
                why = str(error)
        if why is not None:
            self.problems.append((entry, why))

    def _built(self, entry: ModelEntry, wanted: Wanted) -> Deployment:
        """`wanted` is the entry's, or made from it for one name of its wildcard. One with a `mock_response` answers in
        this process, under the name of the provider that it stands for."""
        if entry.mock_response is None:
            return build(wanted, self._environ, self._rows)
        host = f"mock-{entry.id}.invalid"
        self._mocks.add(host, InProcess(offline(mocked(entry.mock_response), pause_s=0.0)))
        provider, slash, model = wanted.model.partition("/")
        mock = msgspec.structs.replace(
            wanted, model=f"{DEMO.name}/{model if slash else provider}", given=Given(), provider=None
        )
        built = build(mock, self._environ, self._rows)
        name = wanted.provider or (provider if slash else built.provider)
        priced = stands_for(name, built.model, wanted, self._rows)
        return msgspec.structs.replace(built, provider=name, origin=Origin("http", host, 80), tariff=priced)

    def _wildcard(self, entry: ModelEntry) -> MakerOfGroups[Deployment]:
        def make(name: str, matched: str) -> Sequence[Deployment]:
            if entry.disabled is not None:
                raise none_enabled(name)
            model = entry.model.replace("*", name if entry.model == "*" else matched, 1)
            wanted = msgspec.structs.replace(self.wanted(entry), id=f"{entry.id}:{name}", model=model, asked_as=name)
            try:
                deployment = self._built(entry, wanted)
            except APIError as error:
                if error.fault != "operator":
                    raise
                raise self._not_set_up(_place_of(entry), error) from error
            if not deployment.tariff.covers and entry.mock_response is None:
                self._log_once(_place_of(entry), unpriced(model, deployment))
            return [deployment]

        return make

    def _not_set_up(self, where: str, error: APIError) -> ServiceUnavailableError:
        """A key, an address or a library is missing: no fault of the client, who is told as much as it may know. The
        log tells the operator what to do, once."""
        self._log_once(where, error.message)
        return ServiceUnavailableError(
            f"The gateway is not set up for {error.provider}: its log tells the operator what is missing.",
            code="provider_not_configured",
            provider=error.provider,
            fault="operator",
            retryable=False,
        )

    def _log_once(self, where: str, told: str) -> None:
        """For each place so often at most: what is said may hold a name that a client chose."""
        if len(self._logged) < LOGGED_MAX and (where, told) not in self._logged:
            self._logged.add((where, told))
            log.warning("%s: %s", where, told)

    def _named(self, name: str, label: str) -> Deployment:
        timeouts = self.timeouts_for(None, None)
        wanted = Wanted(
            id=name,
            group=label,
            asked_as=name,
            model=name,
            timeouts=timeouts[0],
            stream_timeouts=timeouts[1],
            markups=self.markups,
            filed=self.filed,
        )
        try:
            return build(wanted, self._environ, self._rows)
        except APIError as error:
            if error.code == MISSING:
                raise self._not_set_up(label, error) from error
            told = error.message
            if error.code == "missing_api_key":
                self._log_once(label, told)
                told = f"The model {name!r} is not served here: the gateway has no key for {error.provider}."
            raise NotFoundError(told, code="model_not_found", param="model") from error

    def wanted(self, entry: ModelEntry) -> Wanted:
        config = self._config
        timeouts, stream_timeouts = self.timeouts_for(entry.timeout_s, entry.stream_timeout_s)
        return Wanted(
            id=entry.id,
            group=entry.model_name,
            model=entry.model,
            provider=entry.custom_llm_provider,
            given=Given(
                api_key=entry.api_key,
                api_base=entry.api_base,
                api_version=entry.api_version,
                organization=entry.organization,
                base_model=entry.model_info.get("base_model"),
                extra=entry.params,
            ),
            defaults=entry.defaults,
            forced=entry.extra_body,
            extra_headers=entry.extra_headers,
            drops=entry.additional_drop_params,
            keeps=entry.allowed_openai_params,
            timeouts=timeouts,
            stream_timeouts=stream_timeouts,
            by_service=self._by_service(entry),
            retries=entry.max_retries,
            weight=entry.weight,
            order=entry.order,
            rpm=entry.rpm,
            tpm=entry.tpm,
            tags=entry.tags,
            drop_params=config.settings.drop_params if entry.drop_params is None else entry.drop_params,
            modify_params=config.settings.modify_params if entry.modify_params is None else entry.modify_params,
            cache_points=entry.cache_points,
            strict=config.general.strict,
            info=entry.model_info,
            prices=entry.prices,
            markups=self.markups,
            filed=self.filed,
        )

    def _by_service(self, entry: ModelEntry) -> dict[str, tuple[Timeouts, Timeouts]]:
        whole, stream = entry.timeouts_by_service_s, entry.stream_timeouts_by_service_s
        return {
            service: self.timeouts_for(
                whole.get(service) or entry.timeout_s, stream.get(service) or entry.stream_timeout_s
            )
            for service in (*whole, *stream)
        }

    def timeouts_for(self, timeout_s: float | None, stream_timeout_s: float | None) -> tuple[Timeouts, Timeouts]:
        """(for whole answers, for streams). A deployment's timeout bounds a stream's silences, not its length."""
        general, router = self._config.general.timeouts, self._config.router
        total = timeout_s or general.total_s or router.timeout_s
        whole = Timeouts(
            connect_s=general.connect_s or CONNECT_S,
            first_byte_s=general.first_byte_s or total,
            gap_s=general.gap_s or GAP_S,
            total_s=total,
        )
        silence = stream_timeout_s or router.stream_timeout_s
        stream = msgspec.structs.replace(
            whole,
            first_byte_s=silence or general.first_byte_s or timeout_s or FIRST_BYTE_S,
            gap_s=silence or general.gap_s or GAP_S,
            total_s=general.total_s or router.timeout_s,
        )
        return whole, stream


def _tasks_of(deployment: Deployment) -> Set[str]:
    """Those of a provider that has no chat."""
    from tollbridge.providers.tasks import TASKS  # few have one: a start without it reads nothing of tasks

    return TASKS.get(deployment.provider, {}).keys()


def _check_tasks(deployment: Deployment) -> None:
    """Raises APIError where who has no chat does none of its tasks with this model."""
    refusals: list[APIError] = []
    for task in _tasks_of(deployment):
        try:
            wire = deployment.task(task).wire
            if isinstance(wire, OneWay):
                wire.check_model(deployment.model)
        except APIError as error:
            refusals.append(error)
        else:
            return
    if refusals:
        raise refusals[0]


_PRICED_BY: Mapping[str, str] = {
    "embedding": "`input_cost_per_token`",
    "moderation": "`input_cost_per_token`",
    "rerank": "`input_cost_per_query`",
    "image_generation": "`output_cost_per_image`",
    "image_edit": "`output_cost_per_image`",
    "audio_speech": "`input_cost_per_character`",
    "audio_transcription": "`input_cost_per_second`",
}
"""By what a model is for; all others are paid by tokens that go in and come out."""


def unpriced(model: str, deployment: Deployment) -> str:
    """For the operator. Who does nothing but draw draws with this model too."""
    shown = without_keys(model if model.isprintable() else repr(model))[:NAME_BYTES]
    mode = "" if deployment.facts is None else deployment.facts.mode
    if not mode and deployment.wire.name == NO_CHAT and _tasks_of(deployment) == {"images"}:
        mode = "image_generation"
    prices = _PRICED_BY.get(mode, "`input_cost_per_token` and `output_cost_per_token`")
    return (
        f"no price is known for {shown}: the cost of its requests is unknown, and no budget counts them. Set "
        f"{prices}, or `model_info.base_model`."
    )


def _place_of(entry: ModelEntry) -> str:
    return f"{entry.where}: {entry.model_name}"
