"""Larkspur Supply, the outdoor shop of the demo: its policy, its articles, its app, and customers who are waiting."""
