"""A provider that does what it is told: two dialects, scripts, a bill of its own. See `bench.mock_upstream`."""
