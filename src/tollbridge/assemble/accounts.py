"""Keys, limits, budgets and the ledger of one process that serves: opened after it forked, closed after it drained."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence

from tollbridge.admin.key_doubts import Known
from tollbridge.admin.key_routes import key_routes
from tollbridge.admin.keys import Keys
from tollbridge.admin.model_routes import model_routes
from tollbridge.admin.price import Pricer
from tollbridge.admin.spend_routes import spend_routes
from tollbridge.admin.utility_routes import utility_routes
from tollbridge.assemble.known_names import known_names
from tollbridge.config.models import access_groups
from tollbridge.config.settings import Config, GeneralSettings
from tollbridge.home import Home
from tollbridge.ledger.book import Book
from tollbridge.ledger.elsewhere import Elsewhere
from tollbridge.ledger.fold import Retention
from tollbridge.ledger.folding import Folding
from tollbridge.ledger.ledger import Ledger
from tollbridge.observe import Metrics, Record
from tollbridge.policy.keyring import Keyring
from tollbridge.policy.limits import Limiter
from tollbridge.policy.pepper import check_pepper
from tollbridge.server.gateway import Gateway
from tollbridge.server.idempotency import Idempotency
from tollbridge.server.responses import Responses
from tollbridge.server.routes import ROUTES, Route
from tollbridge.store.database import Database
from tollbridge.store.key import Key
from tollbridge.store.keys import KeyStore
from tollbridge.store.mcp_servers import McpServerStore
from tollbridge.store.replies import ReplyStore
from tollbridge.store.responses import ResponseStore
from tollbridge.store.spend import SpendReader


def management(
    accounts: Accounts, gateway: Gateway, served: Callable[[], Sequence[Route]] = lambda: ROUTES
) -> tuple[Route, ...]:
    """The routes by which it is managed. `served`: all that there are when it is called."""
    keys = Keys(
        accounts.keys,
        accounts.pepper,
        accounts.keyring,
        taken=gateway.authenticator.is_admins,
        own_texts=accounts.own_key_texts,
        knowing=accounts.known_names,
    )
    pricer = Pricer(lambda: gateway.engine.routes.groups, gateway.dialects)
    return (
        *key_routes(keys),
        *spend_routes(accounts.spend, keys, pricer),
        *model_routes(gateway),
        *utility_routes(gateway, served),
        *accounts.responses.routes(),
    )


def retention(general: GeneralSettings) -> Retention:
    return Retention(
        keep_s=None if math.isinf(general.retention_s) else general.retention_s,
        every_s=general.retention_every_s,
        batch=general.retention_batch,
        batches=general.retention_batches,
    )


class Accounts:
    """Opened when it is made; `start` on the loop that serves, `stop` when nothing is under way there any more, and
    `close`."""

    def __init__(self, config: Config, home: Home) -> None:
        """Raises StoreError and ConfigError that say what to do. Folds what processes that died left."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._followed: list[Callable[[], Coroutine[None, None, None]]] = []
        self._following: list[asyncio.Task[None]] = []
        self._config = config
        self.own_key_texts = not config.general.no_own_key_texts
        self.database = Database.open(home.database_url(config.general.database_url))
        try:
            self.keys = KeyStore(self.database)
            self.pepper = home.pepper()
            check_pepper(self.database, self.pepper)
            self.folding = Folding()
            groups = access_groups(config.models)
            self.keyring = Keyring(self.keys, self.pepper, counting=self.folding, read=self._read, groups=groups)
            self.limiter = Limiter()
            self.idempotency = Idempotency(ReplyStore(self.database, home.reply_key()))
            self.responses = Responses(ResponseStore(self.database, home.reply_key()))
            self.book = Book(closed=self.keyring.forget, exceeded=config.settings.budget_status)
            self.ledger = Ledger.open(
                home.path,
                self.database,
                retention=retention(config.general),
                fail_closed=not config.general.serve_without_journal,
                begins=self.folding.begins,
                folded=self._folded,
                found=self._found,
            )
            self.spend = SpendReader(self.database)
        except BaseException:
            self.database.close()
            raise

    async def known_names(self) -> Known:
        """What a key may be given a right to. Raises StoreUnavailable."""
        return await known_names(self._config, McpServerStore(self.database, self.pepper))

    def along(self, follow: Callable[[], Coroutine[None, None, None]]) -> None:
        """Hears of changes in the database, from `start` (or now, where it serves already) to `stop`."""
        self._followed.append(follow)
        if self._loop is not None:
            self._following.append(self._loop.create_task(follow()))

    def start(self, *, alone: bool = False) -> None:
        """`alone`: no other process serves these keys."""
        if not alone or self.database.dialect == "postgresql":
            self._followed.append(Elsewhere(self.book, self.keys, self.folding).follow)
        self._loop = asyncio.get_running_loop()
        self._following = [self._loop.create_task(follow()) for follow in (self.keyring.follow, *self._followed)]

    async def stop(self) -> None:
        """What it does beside requests."""
        for following in self._following:
            following.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)
        await self.responses.background.stop()

    def close(self) -> None:
        """Writes down what is left. What the database cannot take now, the next start brings to it."""
        self._loop = None
        self.ledger.close()
        self.database.close()

    def show(self, metrics: Metrics) -> None:
        self.ledger.show(metrics)
        book, limiter = self.book, self.limiter
        metrics.gauge("tollbridge_budget_held_usd", "What requests under way may still cost", lambda: book.held / 1e9)
        metrics.gauge("tollbridge_budget_holds", "Requests under way with a budget", lambda: book.flying)
        background = self.responses.background
        metrics.gauge(
            "tollbridge_background_responses", "Responses that run in the background", lambda: len(background)
        )
        metrics.gauge("tollbridge_limit_places", "Requests under way within limits", lambda: limiter.flying)

    def _read(self, key: Key) -> None:
        self.book.read(key)

    def _folded(self, records: Sequence[Record]) -> None:
        """On the folder's thread."""
        self._tell(self.book.folded, records)

    def _found(self, records: Sequence[Record]) -> None:
        """On the folder's thread."""
        self._tell(self._read_anew, records)

    def _tell(self, tell: Callable[[Sequence[Record]], None], records: Sequence[Record]) -> None:
        """On the loop that serves. Before there is one nobody has asked what was spent."""
        loop, fold = self._loop, self.folding.begun
        if loop is None:
            self.folding.told(fold)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self._told, tell, records, fold)

    def _told(self, tell: Callable[[Sequence[Record]], None], records: Sequence[Record], fold: int) -> None:
        tell(records)
        self.folding.told(fold)

    def _read_anew(self, records: Sequence[Record]) -> None:
        self.book.recovered(records)
        for id in {record.key_id for record in records}:
            self.keyring.forget(id)
