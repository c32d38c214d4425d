"""Is it true that it works: counts of what each process does, tries of each function, and spans.

It imports nothing of what it watches. See README.md.
"""
