"""The contents of each figure, as data: one file per figure."""
