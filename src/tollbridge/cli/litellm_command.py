"""The command line of LiteLLM's gateway, for scripts that start it: `tollbridge-litellm --config F --port N`.

Whoever wants it under the old name makes a link of that name; nothing takes it by itself. Options that mean the same
here are passed to `tollbridge serve` in its words, and those that have nothing to change here are taken. Any other ends
the program with what to do instead.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from tollbridge.cli import main as tollbridge

SAME = {
    "--config": "--config",
    "-c": "--config",
    "--host": "--host",
    "--port": "--port",
    "--num_workers": "--workers",
}
VERSION = "--version"
FLAGS = {
    "--debug": "--detailed-debug",
    "--detailed_debug": "--detailed-debug",
    VERSION: VERSION,
    "-v": VERSION,
}
MOOT = ("--telemetry", "--keepalive_timeout", "--timeout_graceful_shutdown", "--max_requests_before_restart")
MOOT_FLAGS = ("--run_gunicorn", "--run_hypercorn", "--run_granian", "--use_prisma_db_push", "--skip_db_migration_check")
INSTEAD = {
    "--model": "write it into a `model_list`; or start without a file: `provider/model` is served where its key is set",
    "--alias": "say it as `model_name` of a `model_list`",
    "--api_base": "say it in the `litellm_params` of a model",
    "--api_version": "say it in the `litellm_params` of a model",
    "--add_key": "set the variable in the environment, or in a `.env` beside the file",
    "--drop_params": "say it in `litellm_settings`",
    "--max_budget": "give the key a budget: `tollbridge keys generate --max-budget`",
    "--request_timeout": "say it in `litellm_settings`",
    "--test": "run `tollbridge chat`",
    "--test_async": "run `tollbridge bench`",
    "--health": "run `tollbridge doctor`",
    "--ssl_keyfile_path": "say it in `general_settings.tls`",
    "--ssl_certfile_path": "say it in `general_settings.tls`",
    "--log_config": "the log is JSON lines on stderr, or in the file of `tollbridge serve --log`",
}


def main() -> None:
    said = words(sys.argv[1:])
    tollbridge([VERSION] if VERSION in said else ["serve", *said])


def words(said: Sequence[str]) -> list[str]:
    """In the words of `tollbridge serve`. Exits with 2 for an option that is not there."""
    return list(_words(list(said)))


def _words(rest: list[str]) -> Iterator[str]:
    while rest:
        word, has_value, value = rest.pop(0).partition("=")
        if word in FLAGS or word in MOOT_FLAGS:
            yield from [FLAGS[word]] if word in FLAGS else []
            continue
        if word in INSTEAD:
            _end(f"{word}: {INSTEAD[word]}.")
        if word not in SAME and word not in MOOT:
            yield word if not has_value else f"{word}={value}"
            continue
        if not has_value:
            if not rest:
                _end(f"{word} wants a value.")
            value = rest.pop(0)
        if word in SAME:
            yield from (SAME[word], value)


def _end(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
