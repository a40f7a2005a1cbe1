"""Anthropic Messages: clients speak it and providers speak it (Anthropic, and Claude on Bedrock and Vertex). `wire.py`
is all of it as one value, which loads when somebody speaks it.
"""
