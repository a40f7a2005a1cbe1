"""What happened, as typed values for logs, metrics and whoever listens. Never the content of a request or answer."""

from tollbridge.observe.line import Scribe
from tollbridge.observe.log import RequestLog
from tollbridge.observe.metrics import Metrics
from tollbridge.observe.record import Observer, Record, Tried, tokens

__all__ = ["Metrics", "Observer", "Record", "RequestLog", "Scribe", "Tried", "tokens"]
