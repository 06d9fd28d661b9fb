"""The consumer of commands: each comes to its one result."""
