"""A tool call through the gateway, beside a plain relay: CPU, latency, and a thousand slow calls at once."""
