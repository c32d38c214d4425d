"""SMTP, both ends (RFC 5321): ``server.Server`` and ``client.Client``; see ../README.md."""
