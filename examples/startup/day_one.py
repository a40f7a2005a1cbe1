"""Costs from the first day on: a key with a budget for each feature, and what it spent, to the answer.

tollbridge serve --config examples/startup/config.yaml        # in another terminal
export TOLLBRIDGE_KEY=$(cat ~/.tollbridge/master_key)
python examples/startup/day_one.py
tollbridge spend --by key --by model                          # a second later; calls of tools have lines of their own
"""

import os

import requests
from openai import OpenAI

URL = os.environ.get("TOLLBRIDGE_URL", "http://127.0.0.1:4000")
ADMIN = {"Authorization": f"Bearer {os.environ['TOLLBRIDGE_KEY']}"}
TOOLS = {"type": "mcp", "server_label": "orders", "server_url": "tollbridge/mcp/orders", "require_approval": "never"}


def key_for(feature: str) -> str:
    """A key of the feature's own: five dollars a month. If it has one already, that gets another secret."""
    made = requests.post(f"{URL}/key/regenerate", headers=ADMIN, json={"key": feature})
    if made.status_code == 404:
        said = {"key_alias": feature, "models": ["assistant"], "max_budget": 5, "budget_duration": "1mo"}
        made = requests.post(f"{URL}/key/generate", headers=ADMIN, json=said)
    made.raise_for_status()
    return made.json()["key"]


def ask(feature: str, question: str, tools: list[dict]) -> None:
    client = OpenAI(base_url=f"{URL}/v1", api_key=key_for(feature))
    messages = [{"role": "user", "content": question}]
    said = client.chat.completions.with_raw_response.create(model="assistant", messages=messages, tools=tools)
    print(f"{feature}: {said.parse().choices[0].message.content}")
    print(f"{feature}: it took ${float(said.headers['x-tollbridge-cost-usd']):.6f}")


def main() -> None:
    ask("greeting", "Greet our first customer.", tools=[])
    ask("orders", "Find the orders that are open.", tools=[TOOLS])


if __name__ == "__main__":
    main()
