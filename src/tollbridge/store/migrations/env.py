"""What alembic runs to migrate; the connection, and its transaction, are `store.migrate`'s."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
