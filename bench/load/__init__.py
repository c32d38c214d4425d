"""The load: one generator for every server, plain sockets, replies counted rather than parsed."""
