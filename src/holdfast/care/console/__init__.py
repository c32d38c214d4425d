"""The operator's console: what is known, why, whom it hits, what was said; there with all else dead."""
