"""What a fleet of some size needs."""
