"""Canaries: each function used as a customer uses it, from the first to the last step, and cleaned up."""
