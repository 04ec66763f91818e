"""Replies cut to what is helpful and factual. The stage is `simplify.py`; to add a cut, open `simplify_by_rules.py`."""
