"""IBM watsonx.ai: OpenAI's chat format with addresses, names and tokens of its own.

    a model             /ml/v1/text/chat?version=...        the body names it (`model_id`), and its project or space
    `deployment/ID`     /ml/v1/deployments/ID/text/chat     the path names it, and nothing else does
    streams             the same with `_stream`

An API key is no credential there: it is exchanged at IBM's IAM for a token that holds an hour. `WATSONX_TOKEN` is such
a token, from elsewhere.

Sources: https://cloud.ibm.com/apidocs/watsonx-ai#text-chat,
https://ibm.github.io/watsonx-ai-java-sdk/services/chat-service,
https://cloud.ibm.com/docs/account?topic=account-iamtoken_from_apikey (seen 2026-11-26); the variables and the default
version are LiteLLM 1.109's.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.providers.address import join
from tollbridge.providers.oauth import Exchange
from tollbridge.providers.row import Place
from tollbridge.providers.said import Said

VERSION_DEFAULT = "2024-03-13"
IAM = "https://iam.cloud.ibm.com/identity/token"
GRANT = "urn:ibm:params:oauth:grant-type:apikey"

_PROJECT = ("WATSONX_PROJECT_ID", "WX_PROJECT_ID")
_SPACE = ("WATSONX_DEPLOYMENT_SPACE_ID", "WATSONX_SPACE_ID", "WX_SPACE_ID")
_DEPLOYED = "deployment/"


def watsonx_account(said: Said) -> Exchange | None:
    if not said.key:
        return None
    return Exchange(
        provider=said.provider,
        office="IBM's IAM",
        url=said.value("watsonx_iam_url", "WATSONX_IAM_URL") or IAM,
        form=(("grant_type", GRANT), ("apikey", said.key)),
        mend="Look at the API key, and whether it belongs to the account that has the project.",
    )


def watsonx_place(said: Said, model: str) -> Place:
    """Raises BadRequestError, the operator's, where a model of a project has neither project nor space."""
    version = said.value("api_version", "WATSONX_API_VERSION") or VERSION_DEFAULT
    root = re.sub(r"/ml/v1(?:/.*)?$", "", said.base.path)
    if model.startswith(_DEPLOYED):
        name = model.removeprefix(_DEPLOYED)
        at = join(root, said.path.replace("/ml/v1/", f"/ml/v1/deployments/{quote(name, safe='')}/", 1))
        return _place(name, at, version, {})
    return _place(model, join(root, said.path), version, {"model_id": model, **_owner(said)})


def _place(model: str, at: str, version: str, body: JsonObject) -> Place:
    asked = f"?version={quote(version, safe='')}"
    return Place(model=model, path=at + asked, stream_path=f"{at}_stream{asked}", body=body)


def _owner(said: Said) -> JsonObject:
    """Who pays. What the call or the deployment says goes before the environment, a project before a space."""
    project, space = said.value("project_id"), said.value("space_id")
    if not project and not space:
        project, space = said.value("project_id", *_PROJECT), said.value("space_id", *_SPACE)
    if project or space:
        return {"project_id": project} if project else {"space_id": space}
    raise BadRequestError(
        f"{said.provider} needs a project: pass `project_id` or `space_id`, or set {_PROJECT[0]} or {_SPACE[0]}.",
        param="project_id",
        provider=said.provider,
        fault="operator",
    )


def watsonx_body(body: JsonObject) -> JsonObject:
    """The model has another name and `stream` another path; usage is always told at a stream's end; a choice among the
    tools that is a word is `tool_choice_option` (https://cloud.ibm.com/apidocs/watsonx-ai#text-chat, seen
    2026-11-26). Tools lose `strict` and `additionalProperties`, as LiteLLM 1.106 has it."""
    rest = {name: value for name, value in body.items() if name not in ("model", "stream", "stream_options")}
    if isinstance(rest.get("tools"), list):
        rest["tools"] = [_plain(tool) for tool in rest["tools"]]
    choice = rest.get("tool_choice")
    if isinstance(choice, str):
        del rest["tool_choice"]
        rest["tool_choice_option"] = choice
    return rest


def _plain(tool: Json) -> Json:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        return tool
    kept = {name: value for name, value in function.items() if name != "strict"}
    return {**tool, "function": {**kept, **({"parameters": _open(kept["parameters"])} if "parameters" in kept else {})}}


def _open(schema: Json) -> Json:
    """Without `additionalProperties` at any depth; a property of that name stays."""
    match schema:
        case dict():
            return {
                name: {key: _open(inner) for key, inner in value.items()}
                if name in ("properties", "$defs", "definitions") and isinstance(value, dict)
                else _open(value)
                for name, value in schema.items()
                if name != "additionalProperties"
            }
        case list():
            return [_open(item) for item in schema]
    return schema
