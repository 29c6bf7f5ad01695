"""Sources that are live or come from folders: cameras, reconnection, backlog, clocks, watched folders, recording.

They give out packets as `edge_attp.bitstream.Source` does, so CompressedVideo reads a camera like a file.
"""
