"""Words a person types become one call; no logic.

To change a verb open the module of its name; how errors and signals end, `main.py`; the progress line, `progress.py`.
"""

from selfinstruct.cli.main import main

__all__ = ["main"]
