"""What customers report, what authorities are told, and what is written when it is over."""
