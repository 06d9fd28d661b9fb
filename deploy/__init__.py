"""How chargewire is put to run."""
