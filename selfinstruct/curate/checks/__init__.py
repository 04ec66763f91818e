"""Checkers: what can be shown to be wrong with a reply. The stage is `verify.py`; to add one, write a `check_*.py`."""
