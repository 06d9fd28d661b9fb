"""chargewire on one machine, with a broker and stations of its own."""
