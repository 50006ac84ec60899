"""What people answer, and how nobody among them can be told."""
