"""Holdfast: a mail service for a provider that must not go dark."""
