"""Measurements of Holdfast beside its peers: `python -m bench`."""
