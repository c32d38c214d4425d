"""Telling customers, on channels that need none of our mail; see the package's README."""
