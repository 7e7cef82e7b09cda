"""Slack's Web API methods, grouped as Slack groups them."""

from bot.sandbox.webapi import apps, chat, conversations, files, reactions, users, views
from bot.sandbox.webapi.method import Arguments, Method

METHODS: dict[str, Method] = {
    method.name: method
    for group in (apps, chat, conversations, files, reactions, users, views)
    for method in group.METHODS
}

__all__ = ["METHODS", "Arguments", "Method"]
