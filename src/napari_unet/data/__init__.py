"""From files and annotations to what a network learns from."""
