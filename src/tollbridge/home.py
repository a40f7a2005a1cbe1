"""The state directory: `TOLLBRIDGE_HOME`, by default `~/.tollbridge`, readable by its owner alone.

    master_key      the gateway's key, where neither the configuration nor the environment names one
    master_key_unshown  there until a start has shown that key: one that fails shows it to nobody
    seal_key        32 bytes that authenticate seals (`wires.seal`)
    pepper          32 bytes under which the digests of keys are made; `TOLLBRIDGE_PEPPER` stands before it
    reply_key       32 bytes under which answers are sealed that are kept for a retry (`store.replies`)
    tollbridge.db   the database, where the configuration names no other

Files are made once, by whoever comes first, with mode 0600; a race between two processes ends with both reading the
same file.
"""

from __future__ import annotations

import os
import secrets
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from tollbridge.errors import ConfigError
from tollbridge.secret import Secret

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_PREFIX = "sk-tb-"
PEPPER_BYTES_MIN = 32
SECRET_BYTES = 32
UNSHOWN = "master_key_unshown"


class Home:
    """Raises ConfigError, with the path and what to do, where the directory cannot be used."""

    def __init__(self, path: Path, pepper: str | None = None, database_url: str | None = None) -> None:
        self.path = path
        self._pepper = pepper
        self._database_url = database_url

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Home:
        given = environ.get("TOLLBRIDGE_HOME")
        path = Path(given).expanduser() if given else Path(environ.get("HOME") or "~").expanduser() / ".tollbridge"
        return cls(path, environ.get("TOLLBRIDGE_PEPPER"), environ.get("TOLLBRIDGE_DATABASE_URL"))

    def seal_key(self) -> bytes:
        return self._secret("seal_key")

    def reply_key(self) -> bytes:
        return self._secret("reply_key")

    def _secret(self, name: str) -> bytes:
        """One that may be made anew: what was made under the old one is then void, and nothing worse."""
        text, _ = self._once(name, lambda: secrets.token_hex(32))
        try:
            key = bytes.fromhex(text)
        except ValueError:
            key = b""
        if len(key) < SECRET_BYTES:
            raise ConfigError(f"{self.path / name} is damaged; delete it to have a new one made.")
        return key

    def pepper(self) -> bytes:
        """Without it no key is known any more: it is kept apart from the database, and never in it."""
        if self._pepper is not None:
            source, text = "TOLLBRIDGE_PEPPER", self._pepper.strip()
        else:
            source, (text, _) = str(self.path / "pepper"), self._once("pepper", lambda: secrets.token_hex(32))
        try:
            pepper = bytes.fromhex(text)
        except ValueError:
            pepper = b""
        if len(pepper) < PEPPER_BYTES_MIN:
            raise ConfigError(
                f"{source} is no pepper: {2 * PEPPER_BYTES_MIN} or more hexadecimal digits are. Every key was digested "
                "under it, so restore the one from before; without keys yet, make one with `openssl rand -hex 32`."
            )
        return pepper

    def database_url(self, configured: Secret | None = None) -> str:
        """The configured one, else `TOLLBRIDGE_DATABASE_URL`, else SQLite here. May hold a password."""
        if configured is not None:
            return configured.reveal()
        return self._database_url or f"sqlite:///{(self.path / 'tollbridge.db').absolute()}"

    def master_key(self) -> tuple[str, bool]:
        """(key, nobody was shown it yet)."""
        if self.known_master_key() is None:
            self._once(UNSHOWN, lambda: "The key beside this file was not shown yet.")
        key, _ = self._once("master_key", new_key)
        return key, (self.path / UNSHOWN).exists()

    def showed_master_key(self) -> None:
        (self.path / UNSHOWN).unlink(missing_ok=True)

    def known_master_key(self) -> str | None:
        """None where none was made yet."""
        try:
            return self._read(self.path / "master_key")
        except OSError:
            return None

    def _once(self, name: str, make: Callable[[], str]) -> tuple[str, bool]:
        file = self.path / name
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                return self._read(file), False
            except FileNotFoundError:
                pass
            draft = self.path / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(make() + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            try:
                os.link(draft, file)
                return self._read(file), True
            except FileExistsError:
                return self._read(file), False
            finally:
                draft.unlink()
        except OSError as error:
            raise ConfigError(
                f"The state directory {self.path} cannot be used: {error.strerror or error}. "
                "Set TOLLBRIDGE_HOME to a directory that can be written."
            ) from error

    def _read(self, file: Path) -> str:
        text = file.read_text().strip()
        if not text:
            raise ConfigError(f"{file} is empty; delete it to have a new one made.")
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
        return text


def new_key(id: str | None = None) -> str:
    """`sk-tb-`, 8 characters of public id, 32 random bytes in base 62, 6 characters of checksum: secret scanners and
    our own redactor can tell it from other text. `id`: a public id that it shall have; None makes one."""
    if id is None:
        id = "".join(secrets.choice(ALPHABET) for _ in range(8))
    body = f"{KEY_PREFIX}{id}{base62(secrets.token_bytes(32), 43)}"
    return body + checksum(body)


def checksum(body: str) -> str:
    return base62(zlib.crc32(body.encode()).to_bytes(4, "big"), 6)


def base62(raw: bytes, width: int) -> str:
    """The last `width` digits: the same work for each number."""
    number, digits = int.from_bytes(raw, "big"), ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    return digits
