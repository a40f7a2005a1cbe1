"""The configuration file as types. `load` reads it, tells every mistake with file:line:column, and never raises.

document  YAML text -> nodes that know where they stand
include   several files -> one table
environment  `os.environ/NAME`, `environment_variables`, `.env`
kinds     node -> value of a type, or an error at the node
schema, tables/  which keys there are, what they fill, and which are not built yet
settings  the result: frozen values
models    `model_list` -> deployments
crosscheck  what only the whole file shows
"""
