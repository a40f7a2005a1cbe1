"""LiteLLM's loggers: they are Tollbridge's."""

import logging

verbose_logger = logging.getLogger("tollbridge")
verbose_router_logger = logging.getLogger("tollbridge.routing")
verbose_proxy_logger = logging.getLogger("tollbridge.server")


def turn_on_debug() -> None:
    """Everything that is logged, to stderr. Twice is once."""
    verbose_logger.setLevel(logging.DEBUG)
    if not verbose_logger.handlers:
        verbose_logger.addHandler(logging.StreamHandler())
