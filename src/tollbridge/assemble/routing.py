"""`router_settings` -> what decides where a request goes. The same for the server and for `Router` in Python."""

from __future__ import annotations

from collections.abc import Callable

from tollbridge.calls.deployment import Deployment
from tollbridge.config.settings import Config
from tollbridge.routing.board import Fallbacks, Routes
from tollbridge.routing.engine import Engine
from tollbridge.routing.groups import Groups
from tollbridge.routing.health import Health, Rules
from tollbridge.routing.plan import Policy
from tollbridge.transport.base import Transport


def engine_of(
    config: Config,
    groups: Groups[Deployment],
    transport: Transport,
    attempted: Callable[[str, str], None] | None = None,
) -> Engine:
    """`attempted`: as `routing.engine.Engine`."""
    router = config.router
    rules = Rules(
        cooldown_s=router.cooldown_s, allowed_fails=router.allowed_fails, enabled=not router.disable_cooldowns
    )
    fallbacks = Fallbacks(
        general=router.fallbacks,
        context_window=router.context_window_fallbacks,
        content_policy=router.content_policy_fallbacks,
        default=router.default_fallbacks,
    )
    policy = Policy(
        retries=router.retries,
        retries_in_all=router.retries_in_all,
        retries_by_error=router.retry_policy,
        wait_min_s=router.retry_after_s,
        deadline_s=config.general.timeouts.total_s or router.timeout_s,
        fallback_depth=router.max_fallbacks,
        retries_of_deployment=any(entry.max_retries is not None for entry in config.models),
    )
    return Engine(
        Routes(groups, fallbacks, Health(rules)),
        transport,
        policy,
        check_context=router.check_context,
        by_tags=None if not router.by_tags else "any" if router.tags_match_any else "all",
        attempted=attempted,
    )
