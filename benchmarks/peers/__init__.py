"""Other libraries' projections of the same units with the same weights, one module a library.

Each has `NAME`, `version()` and `make_projector(model, layer)`, which prepares whatever can be prepared once and returns
`project(images, unit, positions)`: float32 images `(N, H, W, 3)`, one unit or `(N,)`, and `(N, 2)` rows and columns, to signed pixel
values `(N, H, W, 3)` for an activation of 1. Every call runs the forward pass anew, since none of these libraries keeps one.
"""
