"""The training loop, evaluation, and their output."""
