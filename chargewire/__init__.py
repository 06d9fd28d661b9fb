"""The operator's command: everything a person does with chargewire."""
