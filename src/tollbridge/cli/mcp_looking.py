"""`tollbridge mcp list`, `tools`, `doctor` and `approve`: which servers and tools there are, and how they are."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tollbridge.cli import mcp_lines
from tollbridge.cli.mcp_asking import as_json, asked, run, written


@click.command("list")
@asked
@as_json
def list_servers(config: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
    """List servers.

    Exit codes: 0 done, 2 they could not be asked.

    Example: tollbridge mcp list --config config.yaml
    """
    found = run(config, url, key, lambda desk: desk.servers())
    click.echo(written(found) if as_json else mcp_lines.servers(found))


@click.command()
@click.argument("server", required=False)
@asked
@as_json
def tools(server: str | None, config: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
    """List tools, of all servers or of SERVER. A `?` marks an argument that may be left out.

    Exit codes: 0 done, 1 some did not answer, or SERVER is not there, 2 they could not be asked.

    Example: tollbridge mcp tools github --url http://127.0.0.1:4000 --key sk-...
    """
    found = run(config, url, key, lambda desk: desk.tools(server))
    click.echo(written(found.tools) if as_json else mcp_lines.tools(found.tools))
    for told in found.absent:
        click.echo(f"warning: {told}", err=True)
    if found.absent:
        sys.exit(1)


@click.command()
@click.argument("server", required=False)
@asked
@as_json
def doctor(server: str | None, config: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Say how servers are: which revisions they speak and over what, what they can, how long they take, what is wrong.

    Exit codes: 0 all are well, 1 something is wrong, 2 they could not be asked.

    Example: tollbridge mcp doctor --config config.yaml
    """
    found = run(config, url, key, lambda desk: desk.diagnoses(server))
    if as_json:
        click.echo(written(found))
    else:
        click.echo("\n\n".join(map(mcp_lines.diagnosis, found)) or mcp_lines.NO_SERVER)
    sys.exit(0 if all(map(mcp_lines.well, found)) else 1)


@click.command()
@click.argument("server")
@click.argument("tool", required=False)
@click.option("--yes", "-y", is_flag=True, help="Approve without asking.")
@asked
@as_json
def approve(
    server: str, tool: str | None, yes: bool, config: Path | None, url: str | None, key: str | None, as_json: bool
) -> None:
    """Show which tools of SERVER are not what they were when they were trusted, or are suspicious, and approve them as
    they are now: what was shown and nothing else. With --json nothing is approved but by --yes.

    Exit codes: 0 approved, or nothing waits for it, 1 not approved, or not there, 2 it could not be asked.

    Example: tollbridge mcp approve github create_issue
    """
    found = run(config, url, key, lambda desk: desk.standings(server), kept=True)
    waiting = [one for one in found if tool is None or one["tool"] == tool]
    click.echo(written(waiting) if as_json else mcp_lines.standings(waiting))
    if not waiting:
        return
    if not yes and (as_json or not click.confirm("Approve?")):
        sys.exit(1)
    tools = {one["tool"]: one["fingerprint"] for one in waiting}
    run(config, url, key, lambda desk: desk.approve(server, tools), kept=True)
    click.echo(f"approved: {len(tools)}", err=as_json)
