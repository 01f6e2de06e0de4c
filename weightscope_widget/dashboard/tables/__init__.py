"""The columns that each kind of dashboard sends to the page."""
