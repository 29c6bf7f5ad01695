"""`edge-attp serve`: watches cameras, files and folders without end, under systemd or started by hand.

One configuration file joins the pipeline's session, the live sources, the sinks and the health page. The
service knows nothing of pictures or networks.
"""
