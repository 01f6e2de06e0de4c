"""The numerical methods below the analyzers."""
