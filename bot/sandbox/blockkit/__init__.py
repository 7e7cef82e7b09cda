"""What Slack would refuse: every limit and surface of Block Kit, checked without a network.

Sources: https://docs.slack.dev/reference/block-kit/blocks and the pages below it.
"""

from bot.sandbox.blockkit.blocks import MESSAGE_CHARACTERS, characters, problems
from bot.sandbox.blockkit.rules import Surface
from bot.sandbox.blockkit.views import VIEW_BYTES, view_problems

__all__ = ["MESSAGE_CHARACTERS", "VIEW_BYTES", "Surface", "characters", "problems", "view_problems"]
