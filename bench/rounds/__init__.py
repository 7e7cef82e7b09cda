"""The rounds of a run: each stands alone, says what it measured, and proves that nothing was lost meanwhile."""
