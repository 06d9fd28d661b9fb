"""What every table of a consumer is made of."""
