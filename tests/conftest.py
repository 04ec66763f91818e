"""What all tests share."""

import os

import pytest

# Tests run as many at a time as there are cores, on tiny models: threads that wait for one another only cost.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure(config: pytest.Config) -> None:
    """Under `-n` a file's tests stay together: a run that they only read is then made once."""
    if config.getoption("dist", "no") == "load":
        config.option.dist = "loadfile"
