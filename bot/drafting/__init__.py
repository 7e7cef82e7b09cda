"""Who proposes replies: Claude with a key, otherwise the offline drafter. Neither sends or decides anything."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from bot.core.policy import Policy
from bot.drafting.offline import OfflineDrafter

if TYPE_CHECKING:
    import anthropic

    from bot.drafting.claude import ClaudeDrafter

ANTHROPIC_URL: Final = "https://api.anthropic.com"


def drafter(
    policy: Policy, api_key: str | None, base_url: str | None, clock: Callable[[], datetime]
) -> "ClaudeDrafter | OfflineDrafter":
    """The drafter of this installation. `aclose` it when the host stops."""
    if not api_key:
        return OfflineDrafter(policy.desk.name)
    from bot.drafting.claude import ClaudeDrafter  # noqa: PLC0415  # its SDK takes 40 MB and a second: with a key only

    return ClaudeDrafter(client(api_key, base_url), policy, clock=clock)


def client(api_key: str, base_url: str | None) -> "anthropic.AsyncAnthropic":
    """One client for the process. Key and address are given, so the SDK looks for none in the environment."""
    import anthropic  # noqa: PLC0415  # see above

    return anthropic.AsyncAnthropic(
        api_key=api_key, base_url=base_url or ANTHROPIC_URL, max_retries=0, open_telemetry=False
    )
