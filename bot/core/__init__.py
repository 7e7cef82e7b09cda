"""The rules, without a world: no I/O, no async work, no clock. What is decided here is done in bot.steps."""
