"""Slack. `connect` builds it; cards are drawn in `blocks`, forms in `modals`, and `listeners` shows all it hears."""

from bot.surfaces.slack.connect import Connected, connect
from bot.surfaces.slack.presses import SURFACE as NAME
from bot.surfaces.slack.surface import SlackSurface

__all__ = ["NAME", "Connected", "SlackSurface", "connect"]
