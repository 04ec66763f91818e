"""What people find when they read: review sheets and rates.

In: published tasks, and sheets that people filled in. Out: a sheet to fill in; the four rates with their intervals, and
how far two readers agree. Paper: Self-Instruct (Wang et al. 2023, arXiv 2212.10560), table 2.

To change the sheet open `sheet.py`; the arithmetic, `review.py`.
"""
