"""Where agents see cards and press."""
