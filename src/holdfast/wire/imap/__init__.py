"""IMAP4rev1 as machines, both ends; see README.md."""
