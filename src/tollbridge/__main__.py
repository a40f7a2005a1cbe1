"""`python -m tollbridge`: the command, where its script is not on the path."""

from tollbridge.cli import main

if __name__ == "__main__":
    main()
