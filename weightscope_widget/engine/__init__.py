"""Run jobs on threads or an executor, within a memory limit."""
