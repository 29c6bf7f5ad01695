"""H.264 streams, written without residual (clause 7.3 of ITU-T H.264)."""
