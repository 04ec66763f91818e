"""What all tests share."""

import os

# Tests run as many at a time as there are cores, on tiny models: threads that wait for one another only cost.
os.environ.setdefault("OMP_NUM_THREADS", "1")
