"""Cards, homes and answers as Block Kit: pure functions from values to JSON."""
