"""Mail moved: taken in durably, and sent on; see README.md."""
