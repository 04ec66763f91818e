"""Rules that object, by name."""
