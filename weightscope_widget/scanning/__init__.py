"""The scan of one model; a subpackage called ``scan`` would hide the function ``wsw.scan``."""
