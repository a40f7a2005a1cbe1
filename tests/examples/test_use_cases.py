"""A model per task, an agent to which a server joins, and a start-up that knows its costs from the first day."""

from __future__ import annotations

import re
import runpy
import time
from pathlib import Path

import pytest

from tests.examples.gateways import KEY, ask, serving
from tests.examples.programs import EXAMPLES, Desk


def test_each_task_has_its_model_and_its_cost(desk: Desk) -> None:
    said = desk.run("model_per_task.py")
    assert "closest to 'late parcel': The parcel is late again." in said
    costs = {task: float(cost) for task, cost in re.findall(r"^(\w+): [$](\d\.\d{6})$", said, re.MULTILINE)}
    assert set(costs) == {"summaries", "code", "embeddings"}
    assert costs["summaries"] > costs["code"] > costs["embeddings"] == 0


def test_an_agent_uses_a_database_and_an_api_and_the_files_that_join_while_it_is_at_work(desk: Desk) -> None:
    before, meanwhile, after = desk.run("agent/agent.py").split("> ")[1:]
    assert "[find_orders, get_stock]" in before
    assert [line for line in before.splitlines() if '"id"' in line] == ['  "id": "O-1",', '  "id": "O-3",']
    assert '{"article": "SKU-7", "in_stock": 0}' in meanwhile
    assert "[find_orders, get_stock, list_papers, read_paper]" in after
    assert "Within 30 days, unopened" in after


def test_each_feature_has_a_key_and_its_spend_is_known(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = str(EXAMPLES / "startup/config.yaml")
    with serving(tmp_path, "--config", config) as url:
        said = desk.run("startup/day_one.py", TOLLBRIDGE_URL=url, TOLLBRIDGE_KEY=KEY)
        costs = {feature: float(cost) for feature, cost in re.findall(r"^(\w+): .*[$](\d\.\d{6})$", said, re.M)}
        assert 0 < costs["greeting"] < costs["orders"]
        assert '"id": "O-1"' in said
        assert costs["orders"] > 0.001  # with its call, a tenth of a cent
        expected = {"greeting": costs["greeting"], "orders": costs["orders"]}
        spent: dict[str, float] = {}
        until = time.monotonic() + 20
        while spent != pytest.approx(expected, abs=1e-6) and time.monotonic() < until:
            time.sleep(0.05)  # entries are folded once a second
            keys = ask(f"{url}/key/list?return_full_object=true")["keys"]
            spent = {key["key_alias"]: key["spend"] for key in keys}
        assert spent == pytest.approx(expected, abs=1e-6)
        monkeypatch.setenv("TOLLBRIDGE_URL", url)
        monkeypatch.setenv("TOLLBRIDGE_KEY", KEY)
        another = runpy.run_path(str(EXAMPLES / "startup/day_one.py"))["key_for"]("orders")
        assert ask(f"{url}/key/info", key=another)["info"]["spend"] == pytest.approx(expected["orders"], abs=1e-6)
