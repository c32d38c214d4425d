"""Administration: one table of operations, behind the API, the pages and the command line; see README.md."""
