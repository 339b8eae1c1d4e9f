"""Teach a U-Net to see your cells: the public names, loaded when first used."""

from __future__ import annotations

__version__ = "0.1.0"
