"""Tasks beside conversations, as neutral values: a request and a response of each kind, in no dialect."""
