"""The frozen words all other packages speak; see README.md."""
