"""files.*: the three steps of an upload (ask for an address, send the bytes there, complete)."""

from typing import TYPE_CHECKING

from bot.sandbox.messages import Message
from bot.sandbox.webapi.method import Arguments, Method
from bot.sandbox.wire import JSON, Refusal

if TYPE_CHECKING:
    from bot.sandbox.workspace import Workspace


def upload_url(workspace: "Workspace", arguments: Arguments) -> JSON:
    name, length = arguments.need("filename"), arguments.number("length", 0)
    if length < 1:
        raise Refusal("invalid_arguments", "[ERROR] must be more than 0: length")
    file_id = workspace.new_id("F")
    workspace.files[file_id] = {
        "id": file_id,
        "created": int(workspace.clock().timestamp()),
        "name": name,
        "title": name,
        "size": length,
        "alt_txt": arguments.text("alt_txt") or "",
        "mode": "hosted",
        "user": workspace.bot_user,
        "url_private": f"{workspace.base_url}/files/{file_id}",
        "permalink": f"{workspace.base_url}/files/{file_id}",
    }
    return {"ok": True, "upload_url": f"{workspace.base_url}/upload/{file_id}", "file_id": file_id}


def complete(workspace: "Workspace", arguments: Arguments) -> JSON:
    listed = arguments.structure("files")
    if not isinstance(listed, list) or not listed or not all(isinstance(entry, dict) for entry in listed):
        raise Refusal("invalid_arguments", "[ERROR] missing required field: files")
    done = []
    for entry in listed:
        file = workspace.files.get(str(entry.get("id")))
        if file is None or file["id"] not in workspace.uploads:
            raise Refusal("file_not_found")
        file["title"] = entry.get("title") or file["name"]
        done.append(file)
    channel_id = arguments.text("channel_id")
    if channel_id:
        channel = workspace.channel(channel_id)
        if workspace.bot_user not in channel.members:
            raise Refusal("not_in_channel")
        workspace.post(
            Message(
                channel=channel.id,
                ts=workspace.new_ts(),
                user=workspace.bot_user,
                text=arguments.text("initial_comment") or "",
                thread_ts=arguments.text("thread_ts") or None,
                bot_id=workspace.bot_id,
                subtype="file_share",
                files=done,
            )
        )
    return {"ok": True, "files": [{"id": file["id"], "title": file["title"]} for file in done]}


METHODS = (
    Method(name="files.getUploadURLExternal", run=upload_url, scope="files:write", tier=4),
    Method(name="files.completeUploadExternal", run=complete, scope="files:write", tier=4),
)
