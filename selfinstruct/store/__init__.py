"""Files that survive: journal, ledger, run folder, atomic publishing."""
