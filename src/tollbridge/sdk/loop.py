"""One private event loop in a background thread, on which all synchronous calls run.

Sync and async are not written twice: a sync call is the async one, run here. The caller's thread only waits, so it may
have a running loop of its own (a notebook).

Rules
- The thread starts with the first call, not at import, and is a daemon: a program that ends does not wait for it.
- It ends at exit: tasks are cancelled, generators closed, the loop closed, without a warning.
- A forked child has no copy of the thread. It starts its own with its first call and never touches the parent's: the
  two share the selector in the kernel, and closing it here would unregister the parent's sockets.
- What hangs on the loop (connections) belongs to the loop: ask `loop` whose it is.
- Interrupting the caller (KeyboardInterrupt, a test's timeout) cancels the call.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")

GRACE_S = 2.0  # how long the end of the program waits for a task that will not be cancelled


class BackgroundLoop:
    """`run` a coroutine from any thread but the loop's own."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._thread: _LoopThread | None = None
        self._orphans: list[_LoopThread] = []
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result, or its exception. It sees the caller's context variables."""
        thread = self._started()
        if threading.current_thread() is thread:
            coroutine.close()
            raise RuntimeError(
                "A synchronous call inside Tollbridge's own event loop waits for itself: use the async one."
            )
        call = _Call(coroutine)
        try:
            return asyncio.run_coroutine_threadsafe(call.run(), thread.loop).result()
        except BaseException:
            if not thread.loop.is_closed():
                thread.loop.call_soon_threadsafe(call.abandon)
            raise

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop, started where it was not. Another one after a fork or a `close`."""
        return self._started().loop

    def is_running(self, loop: asyncio.AbstractEventLoop) -> bool:
        """False for a loop that ended, and in a forked child for the parent's."""
        return self._thread is not None and self._thread.loop is loop

    def close(self) -> None:
        """End the thread. The next call starts another."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.end()

    def _started(self) -> _LoopThread:
        thread = self._thread
        if thread is not None:
            return thread
        with self._starting:
            if self._thread is None:
                self._thread = _LoopThread()
            return self._thread

    def _forget(self) -> None:
        """In a forked child. The lock is new too: another thread of the parent may have held the old one."""
        self._starting = threading.Lock()
        if self._thread is not None:
            self._orphans.append(self._thread)  # kept: an open loop warns when it is collected
            self._thread = None


class _LoopThread(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="tollbridge", daemon=True)
        # With a factory the runner leaves the calling thread's own event loop alone.
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self.loop = self._runner.get_loop()
        self._end = asyncio.Event()
        self.start()

    def run(self) -> None:
        with self._runner as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        await self._end.wait()

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self._end.set)
        self.join(GRACE_S)


class _Call(Generic[T]):
    """A coroutine that can be given up at any moment, also in the one between its start and the caller's first look at
    it, where an interrupt would find no future to cancel."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[Any] | None = None
        self._abandoned = False

    async def run(self) -> T:
        if self._abandoned:
            self._coroutine.close()
            raise asyncio.CancelledError
        self._task = asyncio.current_task()
        return await self._coroutine

    def abandon(self) -> None:
        """On the loop. Changes nothing where the call is done."""
        self._abandoned = True
        if self._task is not None:
            self._task.cancel()


BACKGROUND = BackgroundLoop()  # one a process: threads and connections are not shared otherwise
