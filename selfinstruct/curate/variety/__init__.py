"""How varied and balanced a set is, and the best part of it. Stages: `diversity.py`, `balance.py`, `select.py`."""
