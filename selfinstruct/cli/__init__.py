"""Words a person types become one call; no logic.

In: a command line. Out: data on stdout, everything else on stderr, and an exit code.
To change a verb open the module of its name (`VERBS` in `main.py` says which); how errors and signals end, `main.py`;
what `run` and `generate` share, `running.py`; the progress line, `progress.py`.
"""

from selfinstruct.cli.main import main

__all__ = ["main"]
