"""What people find when they read: review sheets and rates.

In: published tasks, and sheets that people filled in. Out: a sheet to fill in; the four rates of Wang et al. 2023 with
their intervals, and how far two readers agree. To change the sheet open `sheet.py`; the arithmetic, `review.py`.
"""
