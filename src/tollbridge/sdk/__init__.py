"""The SDK's face: the objects, streams and functions that `tollbridge` hands to a Python program."""
