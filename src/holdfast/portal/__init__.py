"""What pages for people share: signing in, second factors, proofs; see README.md."""
