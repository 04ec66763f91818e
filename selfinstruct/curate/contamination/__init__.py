"""What a benchmark asks or answers, found in a set. The stage is `decontaminate.py`."""
