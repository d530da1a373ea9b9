"""How each tracer family writes the spans of a run: columns of the block in, pieces of encoded spans out."""
