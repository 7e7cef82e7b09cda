"""The webhook channel: any product posts its customers' messages here and gets approved replies at its own URL."""

from adapters.webhook.adapter import Webhook

__all__ = ["Webhook"]
