"""What tests are mounted on: media, peers on the network, processes, and where things are."""
