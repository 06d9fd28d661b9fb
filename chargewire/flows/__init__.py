"""What takes more than one frame, from the first call to its end."""
