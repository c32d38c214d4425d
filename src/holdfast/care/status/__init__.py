"""The status page: a pure function of what is known, written as files that need no server."""
