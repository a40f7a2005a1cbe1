"""Floor 4: one request to one deployment. `ask` is what a client wants, `prepare` writes it for a deployment,
`exchange` sends it and reads the answer, relayed where dialect and wire agree."""
