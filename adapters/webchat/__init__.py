"""The web chat: a widget on any site where a customer writes, and reads replies as they are released."""

from adapters.webchat.adapter import WebChat
from adapters.webchat.visitors import vouch

__all__ = ["WebChat", "vouch"]
