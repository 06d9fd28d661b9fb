"""Connections to Kafka: options, clients, certificates, what is done by them."""
