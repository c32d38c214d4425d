"""JMAP as machines and values, both ends; see README.md."""
