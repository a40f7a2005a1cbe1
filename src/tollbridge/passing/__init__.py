"""What is passed through to a provider as it is: `/openai/...`, `/anthropic/...` and the operator's own paths."""
