"""The consumer of transactions: what was charged, when and where."""
