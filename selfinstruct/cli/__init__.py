"""Words a person types become one call; no logic.

In: a command line. Out: data on stdout, everything else on stderr, and an exit code.

To change                                          open
which verbs there are, how errors and signals end  main.py (`VERBS`)
`run`, `generate`                                  run_verbs.py
`curate`, `simplify`, `verify`, `mix`, `convert`   set_verbs.py
`fragment`, `train-judge`, `finetune`              train_verbs.py
`score`, `compare`                                 score_verbs.py
`audit`                                            audit_verbs.py
`show`, `why`, `report`, `review`, `reconsider`    run_folder_verbs.py
`check`, `schema`, `init`, `fetch`, `plugins`      setup_verbs.py
options that verbs of runs share                   run_and_report.py
the progress line; what a run says at its end      progress.py; exit_report.py
what may reach a terminal                          terminal.py
"""

from selfinstruct.cli.main import main

__all__ = ["main"]
