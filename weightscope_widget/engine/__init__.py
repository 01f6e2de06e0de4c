"""Run jobs: in which order, on which threads or executor, in how much memory."""
