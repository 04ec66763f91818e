"""Numbers on each task. The stages are `measure.py`, `difficulty.py` and `rate.py`."""
