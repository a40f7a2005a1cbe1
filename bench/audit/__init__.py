"""Whether the ledger is the bill: a real gateway, a provider that keeps a bill of its own, clients that keep what they
saw, and the arithmetic that compares the three. Tests run it small, `make soak` runs it large.

    house.py    the two processes: started, killed, stopped, frozen
    models.py   what the provider does under which name, and what it costs
    clients.py  one request, and what its client saw of the answer
    books.py    the bill and the ledger, as they are read
    reckon.py   the comparison, pure
    kills.py    SIGKILL at random instants under load
    program.py  a random program of faults, one step at a time
"""
