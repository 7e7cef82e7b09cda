"""Articles and past replies, and the search over them."""
