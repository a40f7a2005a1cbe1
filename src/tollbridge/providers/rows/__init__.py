"""The rows, by what kind of place each is; `table.ROWS` joins them. A new one goes where one would look for it:

vendors.py   those who make the models that they serve
hosts.py     those who serve the open models of others
clouds.py    the platforms, where an account has regions, projects or workspaces
aws.py       Amazon's among them, whose requests are signed
gateways.py  those who pass a request on to others
local.py     servers of one's own, and the demo
alone.py     those who embed and rank, and have no chat

A provider with a wire of its own stands in the file of its kind like any other. `alike.py` has what rows share.
"""
