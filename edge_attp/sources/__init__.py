"""What is alive or comes from folders: cameras, reconnection, backlog, clocks, watched folders, recording.

Everything here gives out packets as `edge_attp.bitstream.Source` does, so what reads a file reads a camera.
"""
