"""The consumer of tokens: who may charge, and what stations hear."""
