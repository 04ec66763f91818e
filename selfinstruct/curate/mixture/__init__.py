"""How much of each source goes into a set. The stage is `mix.py`."""
