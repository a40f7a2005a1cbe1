"""For all tests: what was collected stays to the end, so the garbage collector need not look through it, neither while
it is made nor again and again afterwards."""

from __future__ import annotations

import gc

import pytest

from tollbridge.cli.process import GC_THRESHOLDS

gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)  # a serving process has these
    gc.enable()
