"""Floor 10: managing the gateway over HTTP: keys and spend, in LiteLLM's JSON."""
