"""What the environment is enough for: `validate_environment`, `check_valid_key`, `get_valid_models`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tollbridge.compat.litellm.logs import verbose_logger
from tollbridge.compat.litellm.model_listing import is_listed, models_at
from tollbridge.compat.litellm.model_lists import PLAIN, models_of
from tollbridge.errors import APIError, AuthenticationError, BadRequestError, NotFoundError
from tollbridge.providers import vertex
from tollbridge.providers.auth import SigV4
from tollbridge.providers.names import find
from tollbridge.providers.ready import available, lacking
from tollbridge.providers.resolve import Given
from tollbridge.providers.row import Provider
from tollbridge.providers.table import ROWS
from tollbridge.sdk.completion import completion
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.whose import located

AWS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
AWS_PLACES = ("AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
"""Any of these says where else the keys are."""
_ANYWHERE = "https://nowhere.invalid"


def validate_environment(
    model: str | None = None, api_key: str | None = None, api_base: str | None = None, api_version: str | None = None
) -> dict[str, Any]:
    """`keys_in_environment`: a call to the model finds what it needs. `missing_keys`: the variables that would give
    it, each by its first name. `api_version`: nobody needs one to be said."""
    if model is None:
        return {"keys_in_environment": False, "missing_keys": []}
    try:
        row, _ = located(model, api_base=api_base)
    except NotFoundError:
        return {"keys_in_environment": False, "missing_keys": []}
    environ = dict(os.environ)
    for variables, said in ((row.key_env, api_key), (row.base_env, api_base)):
        if said and variables:
            environ[variables[0]] = said
    missing = list(_missing(row, environ))
    return {"keys_in_environment": not missing, "missing_keys": missing}


def _missing(row: Provider, environ: Mapping[str, str]) -> Iterator[str]:
    address = _is_set(row.base_env, environ)
    if row.shape == "vertex":
        if not _is_set((*row.key_env, *vertex.PROJECT), environ):  # with a key alone it is the express mode
            yield vertex.PROJECT[0]
            if not _is_set(vertex.LOCATION, environ):
                yield vertex.LOCATION[0]
        return
    if not row.base_url and not address:
        yield from row.base_env[:1]
    if _lacks_key(row, environ):
        if isinstance(row.authentication, SigV4):
            yield from (name for name in AWS_KEYS if not environ.get(name))
        else:
            yield from (*row.key_env, *row.token_env)[:1]
    if not address:
        yield from (hole.environ[0] for hole in row.holes.values() if not _is_set(hole.environ, environ))


def _lacks_key(row: Provider, environ: Mapping[str, str]) -> bool:
    if _is_set((*row.key_env, *row.token_env), environ):
        return False
    if isinstance(row.authentication, SigV4):
        return not _is_set(AWS_PLACES, environ) and not all(environ.get(name) for name in AWS_KEYS)
    if row.account is None:
        return row.needs_key
    anywhere = dict.fromkeys(row.base_env[:1], _ANYWHERE)
    return bool(lacking(row, {**anywhere, **environ}))


def _is_set(variables: Sequence[str], environ: Mapping[str, str]) -> bool:
    return any(environ.get(name) for name in variables)


def check_valid_key(model: str, api_key: str) -> bool:
    """Asks the provider. False where it does not answer with this key, as there: why, the log says, unless the provider
    refuses the key."""
    try:
        completion(model, [{"role": "user", "content": "Hi"}], api_key=api_key, max_tokens=10, num_retries=0)
    except AuthenticationError:
        return False
    except APIError as error:
        verbose_logger.warning("whether the key is valid for %s is not known: %s", model, error.message)
        return False
    return True


def get_valid_models(
    check_provider_endpoint: bool | None = None,
    custom_llm_provider: str | None = None,
    litellm_params: Mapping[str, Any] | None = None,
    api_key: str | None = None,
    api_base: str | None = None,
) -> list[str]:
    """Models of providers whose key is in the environment: those that the catalog knows, or with
    `check_provider_endpoint` those that each provider lists itself. Of one that does not answer, none: why, the log
    says. Who has no list is not asked. Raises BadRequestError for a key or an address that is nobody's."""
    said = litellm_params or {}
    given = Given(api_key=api_key or said.get("api_key"), api_base=api_base or said.get("api_base"))
    if custom_llm_provider is None:
        if check_provider_endpoint and (given.api_key or given.api_base):
            raise BadRequestError(
                "Say by `custom_llm_provider` whose `api_key` or `api_base` it is: it would go to all.",
                param="custom_llm_provider",
            )
        rows = available(os.environ, ROWS)
    else:
        named = find(custom_llm_provider, ROWS)
        rows = [] if named is None else [named]
    if not check_provider_endpoint:
        return [model for row in rows for model in models_of(row.name)]
    return BACKGROUND.run(_told(rows, given))


async def _told(rows: Sequence[Provider], given: Given) -> list[str]:
    lists = await asyncio.gather(*(_told_by(row, given) for row in rows))
    return [name for names in lists for name in names]


async def _told_by(row: Provider, given: Given) -> list[str]:
    if not is_listed(row):
        return models_of(row.name)
    try:
        names = await models_at(row, given)
    except APIError as error:
        verbose_logger.warning("%s did not tell its models: %s", row.name, error.message)
        return []
    return names if row.name == PLAIN else [f"{row.name}/{name}" for name in names]
