"""What a consumer does beside its tables."""
