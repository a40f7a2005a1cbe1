"""Clients that press, stream, or come at a steady pace. `wrk` presses harder where it is installed."""
