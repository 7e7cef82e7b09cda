"""What all processes of one installation share: words, slots, ticks, budgets, open forms."""
