"""Who is hurt, what they are told, when it ends, what they are owed."""
