"""Learning: a generator of events, its losses, and the folder that survives a crash."""
