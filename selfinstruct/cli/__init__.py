"""Words a person types become one call; no logic."""
