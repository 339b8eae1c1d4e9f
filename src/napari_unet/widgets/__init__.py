"""The napari plugin: thin windows on the engine."""
