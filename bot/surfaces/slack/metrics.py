"""What the Slack surface counts."""

from typing import Final

from prometheus_client import Counter

PRESSES: Final = Counter("signoff_presses_total", "Presses on Slack, by what the presser was answered.", ["answer"])
REJECTED: Final = Counter(
    "signoff_slack_rejected_total", "Requests to /slack/events not acted upon, by why.", ["reason"]
)
CALLS: Final = Counter(
    "signoff_slack_calls_total", "Calls to Slack's Web API, by method and result.", ["method", "result"]
)
