"""What the Teams surface counts."""

from typing import Final

from prometheus_client import Counter

PRESSES: Final = Counter(
    "signoff_teams_presses_total", "Presses in Teams, by what the presser was answered.", ["answer"]
)
REJECTED: Final = Counter(
    "signoff_teams_rejected_total", "Requests to /api/messages not acted upon, by why.", ["reason"]
)
CALLS: Final = Counter(
    "signoff_teams_calls_total", "Calls to the Bot Connector, by what was called and the result.", ["call", "result"]
)
