"""The files of tests that take more than 25 s on a busy core, longest first. Where several processes share the tests
they are begun first, so that none of them is waited for at the end."""

from __future__ import annotations

LONG_FILES = (
    "tests/mcp/test_peers.py",
    "tests/compat/litellm/test_published.py",
    "tests/server/test_attacks_routes.py",
    "tests/server/test_faults_processes.py",
    "tests/server/test_attacks_spend.py",
    "tests/reliability/test_rows.py",
    "tests/reliability/test_kills.py",
    "tests/mcp/test_eras.py",
    "tests/mcp/test_listening.py",
    "tests/clients/test_every_request.py",
    "tests/test_documentation_blocks.py",
    "tests/wires/test_stumble.py",
    "tests/cli/test_logs.py",
    "tests/mcp/test_in_models.py",
    "tests/mcp/test_hazards.py",
    "tests/clients/test_every_recording.py",
    "tests/sdk/test_mcp_tools.py",
    "tests/policy/test_limits.py",
    "tests/mcp/test_late.py",
    "tests/wires/test_cross_wire.py",
    "tests/clients/test_every_response.py",
    "tests/server/test_background_responses.py",
    "tests/reliability/test_disks.py",
    "tests/admin/test_key_routes.py",
    "tests/ledger/test_fold.py",
    "tests/cli/test_mcp.py",
    "tests/mcp/test_fixture.py",
    "tests/policy/test_keyring.py",
    "tests/bench/test_measure.py",
    "tests/examples/test_customer_service.py",
)
