"""Transactions, as a person wants to read them."""
