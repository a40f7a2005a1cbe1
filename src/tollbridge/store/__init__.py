"""Floor 7: persistence. One narrow store per noun, over one database: SQLite or PostgreSQL."""
