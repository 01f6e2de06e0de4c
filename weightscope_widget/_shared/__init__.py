"""Small tools that every floor uses: argument checks, optional libraries, files written whole."""
