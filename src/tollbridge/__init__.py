"""One gateway between applications, every language model and every tool."""
