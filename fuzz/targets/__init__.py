"""The readers that are fed."""
