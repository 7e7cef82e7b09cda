"""signoff demo: the whole loop on this machine, without an account, a key or a network.

The bot is the real one, built and served as `signoff run` does. Slack is the local workspace, the drafter is the
offline one, and one page plays the customers and the agents.
"""
