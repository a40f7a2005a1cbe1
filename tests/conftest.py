"""For all tests: what was collected stays to the end, so the garbage collector need not look through it, neither while
it is made nor again and again afterwards. No example of a property has a time within which it must end: machines are
busy. Several processes share the files of tests, each file whole: those that take long are begun first."""

from __future__ import annotations

import gc
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.long_files import LONG_FILES
from tollbridge.cli.process import GC_THRESHOLDS

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell has what it starts in the background ignore it, and so would every process of a test.
    signal.signal(signal.SIGINT, signal.default_int_handler)

gc.disable()
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: number for number, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)  # a serving process has these
    gc.enable()
