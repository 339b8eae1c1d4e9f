"""Prediction: tiles, networks applied to images of any size, cells from probabilities."""
