"""The gateway: stations on one side, the log on the other."""
