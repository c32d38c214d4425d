"""What the role `care` does, each by itself: see ``care.turns``."""
