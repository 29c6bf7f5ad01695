"""The training loop, evaluation, and what they write."""
