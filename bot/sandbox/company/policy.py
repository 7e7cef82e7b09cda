"""The shop's signoff.toml, as a value: what recognises its customers' questions, and where their cards go."""

from pathlib import Path
from typing import Final

from bot.core.policy import Policy

ARTICLES: Final = Path(__file__).parent / "articles"
CHAT: Final = "webchat"
CHAT_TITLE: Final = "Web chat"
SHOP: Final = "shop"
SHOP_SECRET: Final = "DEMO_SHOP_SECRET"  # the variable's name, not its value


def policy(*, reply_url: str, hold_seconds: int) -> Policy:
    """The demo's policy. Approved replies of the shop's app go to `reply_url`, after the time in which to undo them."""
    return Policy.model_validate(
        {
            "desk": {
                "name": "Larkspur Supply",
                "hold_seconds": hold_seconds,
                "quiet_seconds": 2,
                "knowledge": str(ARTICLES),
                "voice": "Warm, brief and exact. Sign as the Larkspur team.",
                "languages": ["en"],
            },
            "slack": {
                "channel": "C0SUPPORT",
                "agents_group": "S0AGENTS",
                "supervisors_group": "S0LEADS",
                "admins": ["U0ELI"],
            },
            "categories": _CATEGORIES,
            "tiers": {"vip": {"title": "VIP", "priority": "high", "channel": "C0VIP"}},
            "channels": {
                CHAT: {"kind": "webchat", "title": CHAT_TITLE},
                SHOP: {"kind": "webhook", "title": "Shop app", "url": reply_url, "secret_env": SHOP_SECRET},
            },
        }
    )


_CATEGORIES: Final = [
    {
        "name": "billing",
        "title": "Billing",
        "keywords": [
            "refund",
            "refunds",
            "invoice",
            "invoices",
            "charged",
            "payment",
            "VAT",
            "gift card",
            "gift cards",
        ],
        "channel": "C0BILLING",
        "about": "Charges, refunds, invoices, VAT and gift cards.",
    },
    {
        "name": "complaints",
        "title": "Complaints",
        "keywords": ["damaged", "broken", "complaint", "unacceptable", "wrong item"],
        "priority": "high",
        "about": "Something arrived damaged, wrong or not at all, or a customer is upset.",
    },
    {
        "name": "returns",
        "title": "Returns",
        "keywords": ["return", "returns", "send back", "exchange", "Rücksendung", "zurückschicken", "zurücksenden"],
        "about": "Sending something back, or exchanging it.",
    },
    {
        "name": "orders",
        "title": "Orders",
        "keywords": ["delivery", "deliver", "arrive", "ship", "shipping", "tracking", "parcel", "cancel", "address"],
        "patterns": [r"\border\s+#?\d{4,6}\b"],
        "about": "Where an order is, changing or cancelling it.",
    },
    {
        "name": "product",
        "title": "Product",
        "keywords": ["warranty", "tent", "tents", "size", "sizes", "boots", "jacket", "repair"],
        "about": "Sizes, care, warranty and advice.",
    },
    {
        "name": "account",
        "title": "Account",
        "keywords": ["password", "sign in", "log in", "membership", "points"],
        "about": "Signing in, membership and personal data.",
    },
]
