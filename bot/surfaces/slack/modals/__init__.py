"""The forms an agent fills in: drawn from a card, read back as a decision."""
