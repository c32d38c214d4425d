"""The function "password": what customers do for themselves, also while mail does not work; see README.md."""
