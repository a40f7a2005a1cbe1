"""`BudgetManager`: what users of a program spent, against what each may, in `user_cost.json`.

Amounts are dollars. The file is written whole or not at all, before the method returns.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from tollbridge.compat.litellm.absent import not_built
from tollbridge.errors import BadRequestError
from tollbridge.sdk.costs import completion_cost, cost_per_token
from tollbridge.sdk.token_counts import token_counter

FILE = Path("user_cost.json")
DAYS = {"daily": 1, "weekly": 7, "monthly": 28, "yearly": 365}
DAY_S = 24 * 60 * 60


class BudgetManager:
    def __init__(
        self, project_name: str, client_type: str = "local", api_base: str | None = None, headers: Any = None
    ) -> None:
        if client_type != "local":
            raise not_built(
                f"BudgetManager(client_type={client_type!r})", "A gateway keeps budgets: see docs/limits.md."
            )
        self.project_name = project_name
        self.client_type = client_type
        self._lock = threading.RLock()
        self.user_dict: dict[str, dict[str, Any]] = {}
        self.load_data()

    def load_data(self) -> None:
        if FILE.is_file():
            self.user_dict = json.loads(FILE.read_text("utf-8"))

    def create_budget(
        self, total_budget: float, user: str, duration: str | None = None, created_at: float | None = None
    ) -> dict[str, Any]:
        """`duration`: daily, weekly, monthly or yearly; None never begins anew."""
        budget: dict[str, Any] = {"total_budget": total_budget}
        if duration is not None:
            if duration not in DAYS:
                raise ValueError(f"duration is one of {', '.join(DAYS)}, not {duration!r}")
            began = time.time() if created_at is None else created_at
            budget |= {"duration": DAYS[duration], "created_at": began, "last_updated_at": began}
        with self._lock:
            self.user_dict[user] = budget
            self.save_data()
        return budget

    def projected_cost(self, model: str, messages: list[Any], user: str) -> float:
        """What was spent, and what these messages would cost to read."""
        tokens = token_counter(model=model, messages=messages)
        return self.get_current_cost(user) + cost_per_token(model=model, prompt_tokens=tokens, completion_tokens=0)[0]

    def update_cost(
        self,
        user: str,
        completion_obj: Any = None,
        model: str | None = None,
        input_text: str | None = None,
        output_text: str | None = None,
    ) -> dict[str, Any]:
        """Adds what an answer cost, or what texts would have. Raises UnknownPrice."""
        if model and input_text is not None and output_text is not None:
            cost = completion_cost(model=model, prompt=input_text, completion=output_text)
        elif completion_obj is not None:
            cost = completion_cost(completion_response=completion_obj)
            model = completion_obj["model"]
        else:
            raise BadRequestError("Pass the answer, or `model`, `input_text` and `output_text`.")
        with self._lock:
            budget = self.user_dict[user]
            budget["current_cost"] = budget.get("current_cost", 0) + cost
            by_model = budget.setdefault("model_cost", {})
            by_model[model] = by_model.get(model, 0) + cost
            self.save_data()
        return {"user": budget}

    def get_total_budget(self, user: str) -> float:
        total: float = self.user_dict[user]["total_budget"]
        return total

    def get_current_cost(self, user: str) -> float:
        cost: float = self.user_dict[user].get("current_cost", 0)
        return cost

    def get_model_cost(self, user: str) -> Any:
        return self.user_dict[user].get("model_cost", 0)

    def is_valid_user(self, user: str) -> bool:
        return user in self.user_dict

    def get_users(self) -> list[str]:
        return list(self.user_dict)

    def reset_cost(self, user: str) -> dict[str, Any]:
        with self._lock:
            self.user_dict[user] |= {"current_cost": 0, "model_cost": {}}
            self.save_data()
        return {"user": self.user_dict[user]}

    def reset_on_duration(self, user: str) -> None:
        """Where its duration is over, it begins anew."""
        now, budget = time.time(), self.user_dict[user]
        if now - budget["last_updated_at"] >= budget["duration"] * DAY_S:
            with self._lock:
                budget["last_updated_at"] = now
                self.reset_cost(user)

    def update_budget_all_users(self) -> None:
        for user in self.get_users():
            if "duration" in self.user_dict[user]:
                self.reset_on_duration(user)

    def save_data(self) -> dict[str, str]:
        with self._lock:
            written = FILE.with_suffix(f".{os.getpid()}.tmp")
            written.write_text(json.dumps(self.user_dict, indent=4), "utf-8")
            written.replace(FILE)
        return {"status": "success"}
