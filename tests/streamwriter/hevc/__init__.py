"""HEVC streams, with residual (clause 7.3 of ITU-T H.265)."""
