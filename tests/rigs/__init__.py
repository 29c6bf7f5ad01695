"""What tests run on: media, network peers, separate processes, and what the machine must have."""
