"""Dashboards for Grafana, and how it finds them."""
