"""The webmail's files, and nothing else; see README.md."""
