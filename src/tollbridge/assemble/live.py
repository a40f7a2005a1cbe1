"""WebSockets: realtime sessions, and responses."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.assemble.places import Places
from tollbridge.config.settings import Config
from tollbridge.live.desk import LiveDesk
from tollbridge.live.door import Door
from tollbridge.server.gateway import Gateway
from tollbridge.transport.dial import Dialer
from tollbridge.transport.tls import TlsSettings
from tollbridge.transport.websocket import WebSockets


def live(config: Config, gateway: Gateway, places: Places, tls: TlsSettings, environ: Mapping[str, str]) -> LiveDesk:
    """`environ`: names the proxies."""
    door = Door(gateway, config.general.cors.origins or ())
    return LiveDesk(gateway, door, WebSockets(Dialer(tls), environ), places.accounts)
