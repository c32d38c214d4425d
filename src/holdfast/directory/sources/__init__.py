"""Directories outside: LDAP and SQL, whence accounts come and who knows their passwords; see README.md."""
