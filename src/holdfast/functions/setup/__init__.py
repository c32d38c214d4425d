"""Client set-up: mail programs and people learn the settings, and certificates are got and renewed."""
