"""Asking servers that are not ours: to take mail on, or a text message; see README.md."""
