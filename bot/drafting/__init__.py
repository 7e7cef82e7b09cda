"""Who proposes replies: Claude with a key, otherwise the offline drafter. Neither sends or decides anything."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import anthropic

from bot.core.policy import Policy
from bot.drafting.claude import ClaudeDrafter
from bot.drafting.offline import OfflineDrafter

ANTHROPIC_URL: Final = "https://api.anthropic.com"


def drafter(
    policy: Policy, api_key: str | None, base_url: str | None, clock: Callable[[], datetime]
) -> ClaudeDrafter | OfflineDrafter:
    """The drafter of this installation. `aclose` it when the host stops."""
    if not api_key:
        return OfflineDrafter(policy.desk.name)
    return ClaudeDrafter(client(api_key, base_url), policy, clock=clock)


def client(api_key: str, base_url: str | None) -> anthropic.AsyncAnthropic:
    """One client for the process. Key and address are given, so the SDK looks for none in the environment."""
    return anthropic.AsyncAnthropic(
        api_key=api_key, base_url=base_url or ANTHROPIC_URL, max_retries=0, open_telemetry=False
    )
