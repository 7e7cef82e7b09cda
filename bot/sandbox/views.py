"""Open modals and published homes: hashes, external ids and the stack of three."""

from dataclasses import dataclass, field

from bot.sandbox.blockkit import view_problems
from bot.sandbox.inputs import initial_values
from bot.sandbox.wire import JSON, Refusal

DEEPEST = 3


@dataclass
class View:
    """One modal or home as one user sees it."""

    id: str
    user: str
    content: JSON  # what the bot sent: type, title, blocks, ...
    hash: str
    root_view_id: str
    previous_view_id: str | None = None
    values: JSON = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)  # by block id, shown under the inputs

    @property
    def blocks(self) -> list[JSON]:
        blocks: list[JSON] = self.content["blocks"]
        return blocks

    @property
    def callback_id(self) -> str:
        return str(self.content.get("callback_id") or "")

    @property
    def title(self) -> str:
        return str((self.content.get("title") or {}).get("text", ""))

    def json(self, *, team_id: str, app_id: str, bot_id: str) -> JSON:
        content = self.content
        return {
            "id": self.id,
            "team_id": team_id,
            "type": content["type"],
            "blocks": self.blocks,
            "private_metadata": content.get("private_metadata") or "",
            "callback_id": self.callback_id,
            "state": {"values": self.values},
            "hash": self.hash,
            "title": content.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "clear_on_close": bool(content.get("clear_on_close")),
            "notify_on_close": bool(content.get("notify_on_close")),
            "close": content.get("close"),
            "submit": content.get("submit"),
            "previous_view_id": self.previous_view_id,
            "root_view_id": self.root_view_id,
            "app_id": app_id,
            "external_id": content.get("external_id") or "",
            "app_installed_team_id": team_id,
            "bot_id": bot_id,
        }


def checked(content: object, kind: str) -> JSON:
    """The view, if Slack would take it as `kind`.

    Raises: Refusal `invalid_arguments` or `view_too_large`, saying why.
    """
    found = view_problems(content)
    if any("view_too_large" in sentence for sentence in found):
        raise Refusal("view_too_large", *found)
    assert isinstance(content, dict) or found
    if not found and isinstance(content, dict) and content["type"] != kind:
        found = [f"[ERROR] must be a {kind} [json-pointer:/view/type]"]
    if found:
        raise Refusal("invalid_arguments", *found)
    assert isinstance(content, dict)
    return content


@dataclass
class Views:
    """Who has which modals open (bottom first) and which home published."""

    stacks: dict[str, list[View]] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)

    def stack(self, user: str) -> list[View]:
        return self.stacks.setdefault(user, [])

    def top(self, user: str) -> View | None:
        stack = self.stack(user)
        return stack[-1] if stack else None

    def find(self, view_id: str | None, external_id: str | None) -> View | None:
        for view in [view for stack in self.stacks.values() for view in stack] + list(self.homes.values()):
            if view_id is not None and view.id == view_id:
                return view
            if view_id is None and external_id and view.content.get("external_id") == external_id:
                return view
        return None

    def claim_external_id(self, content: JSON, keeper: View | None = None) -> None:
        """Raises: Refusal `duplicate_external_id` if another open view has it."""
        external_id = content.get("external_id")
        if not external_id:
            return
        other = self.find(None, external_id)
        if other is not None and other is not keeper:
            raise Refusal("duplicate_external_id")

    def push(self, view: View) -> None:
        """Put on top. Raises: Refusal `push_limit_reached` at the fourth."""
        stack = self.stack(view.user)
        if len(stack) >= DEEPEST:
            raise Refusal("push_limit_reached")
        if stack:
            view.previous_view_id, view.root_view_id = stack[-1].id, stack[0].id
        stack.append(view)

    def replace(self, view: View, content: JSON, *, new_hash: str) -> None:
        """New content, same view: what was typed stays where block and action ids stay."""
        view.content, view.hash, view.errors = content, new_hash, {}
        view.values = initial_values(view.blocks, view.values)
