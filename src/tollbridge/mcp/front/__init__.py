"""The gateway as an OAuth resource server, and as the small authorization server that its own clients need: a client
that can show no key is sent to a page where a person gives one, and is given short-lived tokens bound to that key."""
