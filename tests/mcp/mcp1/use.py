"""A client of mcp 1.x, which has its own environment: runs steps and prints what came of each, as JSON.

    .venv-mcp1/bin/python tests/mcp/mcp1/use.py '{"url": "...", "steps": [{"call": "echo", "arguments": {}}]}'

`serving.use_mcp1` calls it and says what the steps are. Asked by the server, it answers each form with `ANSWERS`, each
prompt with `SAMPLED`, and has one root. What it was told meanwhile is the answer to the step `{"heard": true}`.
"""

# The checker sees mcp 2.x, which has other names.
# mypy: ignore-errors

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager

from mcp import ClientSession, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
from mcp.shared.exceptions import McpError
from pydantic import AnyUrl

ANSWERS = {"string": "Ada", "boolean": True, "integer": 7, "number": 1.5}
SAMPLED = "Good day"


async def answer_form(context, params):
    content = {name: ANSWERS[field["type"]] for name, field in params.requestedSchema["properties"].items()}
    return types.ElicitResult(action="accept", content=content)


async def answer_prompt(context, params):
    content = types.TextContent(type="text", text=SAMPLED)
    return types.CreateMessageResult(role="assistant", content=content, model="a-model")


async def tell_roots(context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///work", name="work")])


@asynccontextmanager
async def connected(asked):
    if "command" in asked:
        parameters = StdioServerParameters(command=asked["command"], args=asked["args"], env=asked.get("env"))
        async with stdio_client(parameters) as (read, write):
            yield read, write
    elif asked.get("transport") == "sse":
        async with sse_client(asked["url"], headers=asked.get("headers")) as (read, write):
            yield read, write
    else:
        async with streamablehttp_client(asked["url"], headers=asked.get("headers")) as (read, write, _):
            yield read, write


async def step(session, asked, heard):
    arguments = asked.get("arguments", {})
    match asked:
        case {"list": "tools"}:
            return [tool.name for tool in (await session.list_tools()).tools]
        case {"list": "resources"}:
            return [str(resource.uri) for resource in (await session.list_resources()).resources]
        case {"list": "templates"}:
            return [one.uriTemplate for one in (await session.list_resource_templates()).resourceTemplates]
        case {"list": "prompts"}:
            return [prompt.name for prompt in (await session.list_prompts()).prompts]
        case {"call": name}:

            async def progressed(progress, total, message):
                heard.append({"progress": progress, "total": total})

            return await session.call_tool(name, arguments, progress_callback=progressed)
        case {"read": uri}:
            return await session.read_resource(AnyUrl(uri))
        case {"get": name}:
            return await session.get_prompt(name, arguments)
        case {"complete": name}:
            reference = types.PromptReference(type="ref/prompt", name=name)
            return await session.complete(reference, arguments)
        case {"subscribe": uri}:
            return await session.subscribe_resource(AnyUrl(uri))
        case {"unsubscribe": uri}:
            return await session.unsubscribe_resource(AnyUrl(uri))
        case {"level": level}:
            return await session.set_logging_level(level)
        case {"ping": _}:
            return await session.send_ping()
        case {"heard": _}:
            return list(heard)
        case {"wait": method}:
            while not any(one.get("method") == method for one in heard):
                await asyncio.sleep(0.01)
            return list(heard)
    raise ValueError(f"no such step: {asked}")


async def main(asked):
    heard = []

    async def hear(message):
        if isinstance(message, types.ServerNotification):
            heard.append(message.root.model_dump(by_alias=True, mode="json", exclude_none=True))
        elif isinstance(message, Exception):
            heard.append({"error": str(message)})

    callbacks = {
        "elicitation_callback": answer_form,
        "sampling_callback": answer_prompt,
        "list_roots_callback": tell_roots,
        "message_handler": hear,
    }
    told = []
    async with connected(asked) as (read, write), ClientSession(read, write, **callbacks) as session:
        shaken = await session.initialize()
        told.append({"version": shaken.protocolVersion, "server": shaken.serverInfo.name})
        for one in asked["steps"]:
            try:
                result = await step(session, one, heard)
            except McpError as error:
                result = {"error": error.error.model_dump(exclude_none=True)}
            dumped = hasattr(result, "model_dump")
            told.append(result.model_dump(by_alias=True, mode="json", exclude_none=True) if dumped else result)
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
