"""A set of general actions: bodies that do what people did in front of motion capture, in drawn places.

    captures ─► casting: who is in which split
        └─► motion: two seconds ─► retarget ─► people ─► staging: camera and places of people ─┐
            wardrobe: bodies of `anny` ─► clothing ─► meshes ──────────────────────────────────┤
            textures ─► places: what is around them ───────────────────────────────────────────┤
                                                    renderer (OpenGL) ─► sensor ─► encoding ◄──┘

Motion does not depend on what people look like, so networks for motion vectors and residuals can learn from these
before they see a camera's. The label is the action of the largest person. Splits share neither performers nor
places nor photographs.

Units are metres, seconds and radians; y is up, and a camera looks along -z. Needs the packages `anny` and
`moderngl`, and OpenGL 3.3 over EGL. Start reading at `scene.py`.
"""

__all__ = ["VERSION"]

# Incremented when the same seed gives other pictures; clips of another version are never kept.
VERSION = 1
