"""The declarations: every setting of the project, each in one place."""
