"""The service as processes: configuration, roles, supervision; see README.md."""
