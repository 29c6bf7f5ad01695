"""Stand-ins for what a test machine lacks or what a test must steer."""
