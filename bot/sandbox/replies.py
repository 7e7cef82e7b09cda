"""What an answer of the bot to an interaction does: modals change, commands answer, response_urls post."""

from typing import TYPE_CHECKING, Any

from bot.sandbox.delivery import Answer
from bot.sandbox.messages import Message
from bot.sandbox.triggers import Hook
from bot.sandbox.views import View, checked
from bot.sandbox.webapi.chat import checked_blocks
from bot.sandbox.wire import JSON, Refusal

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace


def answered_submission(workspace: "Workspace", view: View, answer: Answer) -> None:
    """Do what the acknowledgement of a view_submission says: errors, update, push, clear, or simply close.

    Raises: ValueError when there was no usable acknowledgement, Refusal when the view in it is not valid.
    """
    if answer.reason is not None:
        raise ValueError(answer.reason)
    stack = workspace.views.stack(view.user)
    body = answer.body
    action = body.get("response_action") if isinstance(body, dict) else None
    if not body or body == {} or (isinstance(body, dict) and action is None):
        if view in stack:
            stack.remove(view)
        return
    if not isinstance(body, dict):
        raise ValueError("the acknowledgement is not JSON")
    match action:
        case "errors":
            view.errors = _known_errors(view, body.get("errors"))
        case "update":
            content = checked(body.get("view"), "modal")
            workspace.views.claim_external_id(content, keeper=view)
            if view not in stack:
                raise ValueError("the view is gone")
            workspace.update_view(view, content)
        case "push":
            content = checked(body.get("view"), "modal")
            workspace.views.claim_external_id(content)
            workspace.views.push(workspace.new_view(content, view.user))
        case "clear":
            stack.clear()
        case _:
            raise ValueError(f"unknown response_action: {action}")


def _known_errors(view: View, errors: Any) -> dict[str, str]:
    """Errors go to input blocks by block id; Slack shows none of them when one names anything else."""
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise ValueError("errors must name input blocks by block_id")
    return {str(block_id): str(text) for block_id, text in errors.items()}


def answered_command(workspace: "Workspace", user: str, channel: str, answer: Answer) -> None:
    """Show the body of a command's acknowledgement, to the one who ran it unless it says `in_channel`."""
    body = answer.body
    if isinstance(body, str):
        body = {"text": body} if body.strip() else {}
    if body and isinstance(body, dict) and (body.get("text") or body.get("blocks")):
        _show(workspace, user, channel, body, thread_ts=None)


def respond(workspace: "Workspace", hook: Hook, body: JSON) -> None:
    """A post to a response_url. Raises: Refusal when Slack would not take it."""
    source = hook.source
    if source is not None and (body.get("delete_original") or body.get("replace_original")):
        if not workspace.shows(source):
            raise Refusal("message_not_found")
        if body.get("delete_original"):
            workspace.delete(source)
            return
        text, blocks = _content(body)
        workspace.edit(source, text=text, blocks=blocks, by=workspace.bot_user)
        return
    _show(workspace, hook.user, hook.channel, body, thread_ts=body.get("thread_ts"))


def _show(workspace: "Workspace", user: str, channel: str, body: JSON, *, thread_ts: str | None) -> None:
    text, blocks = _content(body)
    message = Message(
        channel=channel,
        ts=workspace.new_ts(),
        user=workspace.bot_user,
        text=text,
        blocks=blocks,
        thread_ts=thread_ts,
        bot_id=workspace.bot_id,
    )
    if body.get("response_type") == "in_channel":
        workspace.post(message)
    else:
        message.ephemeral_to = user
        workspace.whisper(message)


def _content(body: JSON) -> tuple[str, list[JSON]]:
    blocks = body.get("blocks")
    text = str(body.get("text") or "")
    if blocks:
        return text, checked_blocks(blocks)
    if not text:
        raise Refusal("no_text")
    return text, []
