"""A cache of the numbers of files between scans."""
