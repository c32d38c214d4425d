"""Vantage points: the service's doors tried from elsewhere, and how that is told to the role ``watch``."""
