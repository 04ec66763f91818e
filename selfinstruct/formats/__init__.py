"""Formats in, formats out: seeds, data sets, the published folder and its card."""
