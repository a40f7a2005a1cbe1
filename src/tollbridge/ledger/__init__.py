"""Floor 8: what each request used and cost: journal, book of budgets, folding into the database, reports."""
