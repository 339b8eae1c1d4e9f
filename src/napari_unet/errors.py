"""Errors whose message is meant for the person at the microscope."""

from __future__ import annotations


class InputError(ValueError):
    """Input that cannot be used: the message says what was given, what is allowed and what to do."""
