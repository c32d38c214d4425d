"""Drills on real processes: a service of its own on loopback, partners and customers beside it."""
