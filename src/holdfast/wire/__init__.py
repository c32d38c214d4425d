"""Protocol machines, both ends: bytes in, events out; no socket, no clock; see README.md."""
