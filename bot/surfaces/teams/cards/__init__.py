"""Cards, forms and answers as Adaptive Cards 1.5: pure functions from values to JSON."""
