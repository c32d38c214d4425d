"""Drills: a fault is put into a running or a simulated service, and a score card says what came of it."""
