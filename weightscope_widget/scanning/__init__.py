"""The scan of one model.  (Not named `scan`: a subpackage of that name would hide the function ``wsw.scan``.)"""
