"""Drawing of figures: live with bqplot, to files with matplotlib."""
