import math
from pathlib import Path

import pytest

from tests.config.loading import config_of, load_text, said
from tollbridge.assemble.accounts import retention
from tollbridge.config.settings import GeneralSettings
from tollbridge.ledger.fold import Retention


def general(directory: Path, *lines: str) -> GeneralSettings:
    loaded = load_text(directory, "general_settings:\n" + "".join(f"  {line}\n" for line in lines))
    return config_of(loaded).general


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600), ("3mo", 7_776_000), ("90", 90)],
)
def test_a_period_is_a_number_and_a_unit(tmp_path: Path, text: str, seconds: float) -> None:
    assert general(tmp_path, f"maximum_spend_logs_retention_period: {text}").retention_s == seconds


@pytest.mark.parametrize("text", ["30x", "d", "-1d", "0d", "0", "1.5d", "soon"])
def test_what_is_no_period_is_an_error(tmp_path: Path, text: str) -> None:
    loaded = load_text(tmp_path, f"general_settings:\n  maximum_spend_logs_retention_period: {text}\n")
    assert loaded.config is None
    assert any("maximum_spend_logs_retention_period" in line for line in said(loaded))


def test_rows_are_kept_ninety_days_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    assert retention(GeneralSettings()) == Retention()
    assert retention(general(tmp_path, "maximum_spend_logs_retention_period: never")).keep_s is None
    assert general(tmp_path, "maximum_spend_logs_retention_period: never").retention_s == math.inf
    told = general(
        tmp_path,
        "maximum_spend_logs_retention_period: 7d",
        "maximum_spend_logs_retention_interval: 10m",
        "maximum_spend_logs_cleanup_batch_size: 20",
        "maximum_spend_logs_cleanup_max_batches: 3",
    )
    assert retention(told) == Retention(keep_s=604_800, every_s=600, batch=20, batches=3)


def test_a_ledger_that_the_operator_would_rather_not_keep_is_told_of(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "general_settings:\n  disable_spend_logs: true\n")
    assert any("disable_spend_logs" in line and "written down" in line for line in said(loaded))
