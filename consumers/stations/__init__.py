"""The consumer of stations: connections, connectors, what they are."""
