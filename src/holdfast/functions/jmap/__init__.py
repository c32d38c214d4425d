"""Mail for programs over JMAP: RFC 8620, RFC 8621 and what goes with them; see README.md."""
