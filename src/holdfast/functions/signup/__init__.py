"""Account creation: pages on which a person makes an account by himself; see README.md."""
