"""How fast the gateway is, and the provider it is measured against. `python -m bench.run --help`."""
