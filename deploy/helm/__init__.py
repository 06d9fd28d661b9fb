"""What goes into the Helm chart out of the code."""
