"""What pages are made of, whoever's they are; see README.md."""
