"""Certificates for the machine's own name and for its domains' service names: got and renewed. RFC 8555."""
