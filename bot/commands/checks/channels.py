"""Customer channels: whether replies would find somebody listening. Nothing is sent to anybody."""

import asyncio
import ssl
from typing import Final
from urllib.parse import urlsplit

from bot.commands.checks import Finding, fine, wrong
from bot.core.policy import Policy, WebChatPolicy, WebhookPolicy

_TIMEOUT_SECONDS: Final = 10


async def check_channels(policy: Policy) -> list[Finding]:
    if not policy.channels:
        fix = "Add one under [channels.NAME] in signoff.toml."
        return [wrong("channels", "none: no customer can write in", fix=fix)]
    return list(await asyncio.gather(*(_check(name, channel) for name, channel in policy.channels.items())))


async def _check(name: str, channel: WebChatPolicy | WebhookPolicy) -> Finding:
    subject = f"channel {name}"
    if isinstance(channel, WebChatPolicy):
        sites = ", ".join(channel.allowed_origins) or "no other site"
        return fine(subject, f"web chat at /channels/{name}/, embedded by {sites}")
    if channel.url is None:
        return fine(subject, f"webhook at /channels/{name}/messages, inbound only")
    return await _listening(subject, channel.url)


async def _listening(subject: str, url: str) -> Finding:
    """Whether somebody accepts connections there, with a certificate that can be trusted."""
    address = urlsplit(url)
    secure = address.scheme == "https"
    host = address.hostname or ""
    fix = f"See that {host or 'it'} runs and can be reached from here, and that `url` is right."
    try:
        port = address.port or (443 if secure else 80)
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context() if secure else None)
            writer.close()
            await writer.wait_closed()
    except ssl.SSLCertVerificationError as error:
        return wrong(subject, f"{host} has no valid certificate: {error.verify_message}", fix="Mend its certificate.")
    except (OSError, TimeoutError, ValueError) as error:
        return wrong(
            subject, f"nobody answers at {address.netloc.rpartition('@')[2]} ({type(error).__name__})", fix=fix
        )
    return fine(subject, f"webhook; {host}:{port} answers")
