"""Remembers the numbers of files between scans."""
