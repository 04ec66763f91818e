"""Seeds become tasks: instructions proposed, told apart, given instances."""
