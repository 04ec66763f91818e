"""Reads a recipe strictly, walks it round by round, and alone decides what is published."""
