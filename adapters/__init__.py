"""The customers' wires. An adapter knows its channel and nothing of the bot: see adapters.base."""
