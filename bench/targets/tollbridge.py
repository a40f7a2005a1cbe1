"""Our own gateway, as an operator would run it: a configuration file with prices, log and metrics on, ledger and
journal in its state directory, asked with keys that have models, a budget and limits."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

from bench.accounts import PRICES
from bench.scenarios import Scenario
from bench.targets.target import Launch, Site, new_key

COSTS = {"input_cost_per_token": PRICES[0] / 1e9, "output_cost_per_token": PRICES[1] / 1e9}
READ_ON = {"cancel_on_disconnect": False, "drains_max": 10_000}
"""An answer whose client left is read to its end, so that its usage is the provider's and not an estimate."""


class Tollbridge:
    name = "tollbridge"
    about = "tollbridge serve: keys with models, budget, RPM, TPM, parallel; prices, journal, ledger, metrics, log"
    slowness = 1
    accounts = True

    def missing(self) -> str | None:
        return None if find_spec("tollbridge") else "tollbridge is not installed (pip install -e .)"

    def prepare(self) -> None:
        """Nothing: it is installed."""

    def can(self, scenario: Scenario) -> bool:
        return True

    def launch(self, site: Site) -> Launch:
        key = new_key()
        config = site.directory / "tollbridge.yaml"
        config.write_text(json.dumps(configuration(site, key, **READ_ON), indent=1))  # JSON is YAML
        program = Path(sys.executable).with_name("tollbridge")
        argv = [str(program), "serve", "--config", str(config), "--host", "127.0.0.1"]
        argv += ["--port", str(site.port)] + (
            ["--workers", str(site.workers), "--local-limits"] if site.workers > 1 else []
        )
        admin = {"authorization": f"Bearer {key}"}
        return Launch(
            argv=argv,
            headers={"authorization": f"Bearer {site.keys[0]}"} if site.keys else admin,
            admin=admin,
            keys=site.keys,
            env={"TOLLBRIDGE_HOME": str(site.home)},
        )


def configuration(site: Site, key: str, **general: object) -> dict[str, object]:
    """In LiteLLM's format, which both read. A model's name is the scenario's; the mock knows it, too. `general`:
    further general settings."""
    bases = {
        "openai": f"http://127.0.0.1:{site.upstream_port}/v1",
        "anthropic": f"http://127.0.0.1:{site.upstream_port}",
    }
    models = [
        {
            "model_name": scenario.name,
            "litellm_params": {
                "model": f"{scenario.upstream}/{scenario.name}",
                "api_base": bases[scenario.upstream],
                "api_key": "sk-mock-upstream",
                **({} if scenario.core else COSTS),
            },
        }
        for scenario in site.scenarios
    ]
    idle = models[:1] * (site.models - len(models))
    models += [entry | {"model_name": f"{entry['model_name']}-{number}"} for number, entry in enumerate(idle)]
    return {"model_list": models, "general_settings": {"master_key": key, **general}}
