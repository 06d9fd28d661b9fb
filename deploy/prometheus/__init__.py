"""What Prometheus watches, and whom it calls."""
