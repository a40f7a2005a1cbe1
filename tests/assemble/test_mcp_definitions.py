"""What of the configuration a server of MCP is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.loading import config_of, load_text
from tollbridge.assemble.mcp import definition

SECRETS = ("a${NAME}b", "$${", "$$${NAME}", "${NAME:-else}", "p4$$w0rd", "${", "$")


@pytest.mark.parametrize("secret", SECRETS)
def test_a_value_from_the_environment_is_no_template(tmp_path: Path, secret: str) -> None:
    text = """
        mcp_servers:
          a:
            url: https://x.example/${NAME}/$${NAME}
            auth_type: authorization
            auth_value: os.environ/SECRET
            static_headers: {x-one: os.environ/SECRET, x-two: "${SECRET}", x-three: "$${NAME}"}
          b:
            command: os.environ/SECRET
            args: [os.environ/SECRET, "${NAME}"]
            env: {ONE: os.environ/SECRET, TWO: "${NAME}"}
            cwd: os.environ/SECRET
          c: {command: sh, args: os.environ/SECRET}
          d: {url: os.environ/URL}
    """
    environ = {"SECRET": secret, "NAME": "filled", "URL": f"https://x.example/{secret}"}
    loaded = load_text(tmp_path, text, environ)
    a, b, c, d = (definition(server, loaded.environ) for server in config_of(loaded).mcp_servers)
    assert a.address is not None
    assert a.address.target == "/filled/${NAME}"
    assert dict(a.address.headers) == {
        "authorization": secret,
        "x-one": secret,
        "x-two": secret,
        "x-three": "${NAME}",
    }
    assert b.command is not None
    assert (b.command.command, b.command.args, b.command.cwd) == (secret, (secret, "filled"), secret)
    assert b.command.env == {"ONE": secret, "TWO": "filled"}
    assert c.command is not None
    assert c.command.args == (secret,)
    assert d.address is not None
    assert d.address.target == f"/{secret}"
