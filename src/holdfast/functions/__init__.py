"""What customers can do, one module each; see README.md."""
