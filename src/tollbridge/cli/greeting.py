"""What a newcomer sees first: the address, the key, a curl line and a Python snippet that work when pasted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tollbridge.cli.called import called

QUESTIONS = {"customer-service": "Who are our recent customers?"}
"""By an example's server, what a model answers with one of its tools (the offline model too)."""


class ShownKey(msgspec.Struct, frozen=True):
    """The gateway's key as a greeting may show it. `shell`, `python`: expressions that give it when pasted."""

    text: str
    shell: str
    python: str

    @classmethod
    def plain(cls, key: str, text: str) -> ShownKey:
        return cls(text, key, f'"{key}"')

    @classmethod
    def in_file(cls, file: Path) -> ShownKey:
        return cls(f"kept in {file}", f"$(cat '{file}')", f'open("{file}").read().strip()')

    @classmethod
    def in_variable(cls, name: str, text: str) -> ShownKey:
        return cls(text, f"${name}", f'__import__("os").environ["{name}"]')


def greeting(url: str, key: ShownKey, models: Sequence[str], model: str, mcp_servers: Sequence[str] = ()) -> str:
    """`model`: one that can be asked right now. `mcp_servers`: by name."""
    served = _some(models)
    messages = '[{"role": "user", "content": "Hello!"}]'
    return f"""\
Tollbridge listens on {url}
  key     {key.text}
  models  {served or "none: see the warnings above"}
{_over_mcp(url, key, mcp_servers)}
Try it in a shell:

curl -s {url}/v1/chat/completions \\
  -H "Authorization: Bearer {key.shell}" -H 'Content-Type: application/json' \\
  -d '{{"model": "{model}", "messages": {messages}}}'
{_with_tools(url, key, model, mcp_servers)}
or in Python (pip install openai):

from openai import OpenAI
client = OpenAI(base_url="{url}/v1", api_key={key.python})
answer = client.chat.completions.create(model="{model}", messages={messages})
print(answer.choices[0].message.content)

Stop with Ctrl-C.
"""


def _over_mcp(url: str, key: ShownKey, servers: Sequence[str]) -> str:
    if not servers:
        return ""
    counted = "1 server" if len(servers) == 1 else f"{len(servers)} servers"
    return f"""\
  mcp     {counted} at {url}/mcp: {_some(servers)}
          {called()} mcp tools --url {url} --key "{key.shell}"
"""


def _with_tools(url: str, key: ShownKey, model: str, servers: Sequence[str]) -> str:
    """A line by which the model calls a tool."""
    name = next((name for name in servers if name in QUESTIONS), None)
    if name is None:
        return ""
    messages = f'[{{"role": "user", "content": "{QUESTIONS[name]}"}}]'
    tool = (
        f'{{"type": "mcp", "server_label": "desk", "server_url": "tollbridge/mcp/{name}", "require_approval": "never"}}'
    )
    return f"""
or let the model use the tools of {name}:

curl -s {url}/v1/chat/completions \\
  -H "Authorization: Bearer {key.shell}" -H 'Content-Type: application/json' \\
  -d '{{"model": "{model}", "messages": {messages},
       "tools": [{tool}]}}'
"""


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
