"""A local Slack workspace that speaks Slack to the bot: only SLACK_API_URL differs."""

from bot.sandbox.demo import larkspur
from bot.sandbox.faults import Fault, Trouble
from bot.sandbox.hands import Person, Seen
from bot.sandbox.messages import Message
from bot.sandbox.server import SandboxServer
from bot.sandbox.views import View
from bot.sandbox.workspace import Workspace

__all__ = ["Fault", "Message", "Person", "SandboxServer", "Seen", "Trouble", "View", "Workspace", "larkspur"]
