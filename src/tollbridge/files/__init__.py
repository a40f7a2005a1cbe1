"""Files and batches: kept by a provider, known here to the tenant that made them."""
