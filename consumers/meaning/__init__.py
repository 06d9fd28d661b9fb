"""What records of the log say, as facts that know no OCPP version."""
