"""SQLAlchemy's engine without its ORM, in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

HERE_FIRST = """
import sys
import tollbridge.store.database as ours
assert not [name for name in sys.modules if name.startswith("sqlalchemy.orm")]
"""
OTHERS = """
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
import sqlalchemy.ext.asyncio.engine as engine
"""
SAME = """
assert ours.AsyncEngine is AsyncEngine is engine.AsyncEngine
assert ours.create_async_engine is create_async_engine
import asyncio
import sqlalchemy
async def main():
    made = create_async_engine("sqlite+aiosqlite://")
    async with async_sessionmaker(made)() as session:
        assert (await session.execute(sqlalchemy.text("SELECT 1"))).scalar() == 1
    await made.dispose()
asyncio.run(main())
"""


@pytest.mark.parametrize(
    "program",
    [HERE_FIRST + OTHERS + SAME, OTHERS + "import tollbridge.store.database as ours" + SAME],
    ids=["here-first", "elsewhere-first"],
)
def test_what_is_not_used_is_not_loaded_and_others_get_it_whole(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
