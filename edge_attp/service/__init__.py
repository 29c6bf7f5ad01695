"""`edge-attp serve`: cameras and files watched without end, under systemd or by hand.

It joins the pipeline's session, the live sources, the sinks and the health page by what one
configuration file says. It knows nothing of pictures or networks.
"""
