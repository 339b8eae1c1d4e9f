"""Networks and the file they live in."""
