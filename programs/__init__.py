"""What every program of chargewire needs in order to run, whatever it does."""
