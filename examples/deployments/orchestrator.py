"""An orchestrator of one's own, as n8n and its like are: steps of plain HTTP, each with its input and its output.

make serve                                                    # in another terminal
export TOLLBRIDGE_KEY=$(cat ~/.tollbridge/master_key)
python examples/deployments/orchestrator.py
"""

import json
import os

import requests

URL = os.environ.get("TOLLBRIDGE_URL", "http://127.0.0.1:4000")
KEY = {"Authorization": f"Bearer {os.environ['TOLLBRIDGE_KEY']}"}
MODEL = "demo/assistant"


def get(path):
    answer = requests.get(URL + path, headers=KEY)
    answer.raise_for_status()
    return answer.json()


def post(path, body):
    answer = requests.post(URL + path, headers=KEY, json=body)
    answer.raise_for_status()
    return answer.json()


def as_function(tool):
    return {"name": tool["name"], "description": tool["description"], "parameters": tool["inputSchema"]}


def main() -> None:
    # Trigger: a message came in.
    messages = [{"role": "user", "content": "What is the account value of C-1001?"}]

    # Step 1: which tools are there?
    tools = [{"type": "function", "function": as_function(tool)} for tool in get("/mcp-rest/tools/list")["tools"]]

    # Step 2: the model chooses one.
    asked = {"model": MODEL, "messages": messages, "tools": tools, "tool_choice": "required"}
    message = post("/v1/chat/completions", asked)["choices"][0]["message"]
    messages.append(message)

    # Step 3: each call is made. Between this step and the last one a person could be asked.
    for call in message["tool_calls"]:
        name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
        result = post("/mcp-rest/tools/call", {"name": name, "arguments": arguments})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": result["content"][0]["text"]})

    # Step 4: the model answers.
    print(post("/v1/chat/completions", {"model": MODEL, "messages": messages})["choices"][0]["message"]["content"])


if __name__ == "__main__":
    main()
