"""Where rows and places in the log are kept together: SQLite, PostgreSQL."""
