"""The console: a web page that shows what the log says, as it happens."""
