"""The Home tab: an agent's queue."""

from datetime import datetime
from typing import Any

from bot.core.cards import Queue
from bot.core.verdicts import NOT_ALLOWED
from bot.surfaces.slack.blocks.answers import help_text, queue_blocks
from bot.surfaces.slack.blocks.buttons import REFRESH
from bot.surfaces.slack.blocks.elements import Block, divider, header, moment, plain, rich, run, section


def home(found: Queue, links: dict[str, str], *, at: datetime) -> dict[str, Any]:
    """What waits and what the agent owns, as of `at`; for others, who they could ask."""
    if found.agent is None:
        return _view([header("Signoff"), *rich([section(run(NOT_ALLOWED.words))])])
    refresh: Block = {"type": "button", "action_id": REFRESH, "text": plain("Refresh", 75), "value": REFRESH}
    return _view(
        [
            header(f"{found.waiting_total} waiting, {len(found.mine)} yours"),
            *queue_blocks(found, links),
            {"type": "actions", "elements": [refresh]},
            *rich([section(run("As of "), [moment(at)])]),
            divider(),
            *help_text().blocks,
        ]
    )


def _view(blocks: list[Block]) -> dict[str, Any]:
    return {"type": "home", "blocks": blocks}
