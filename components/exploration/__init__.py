"""One HTML page in which a reader looks at every map of a net."""
