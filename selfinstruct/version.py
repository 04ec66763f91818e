"""The version of this package, as its own runs, cards and commands state it."""

__version__ = "0.1.0"
