"""Folders with a PEFT adapter."""
