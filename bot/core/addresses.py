"""Web addresses from outside: which may be linked, and where they really go."""

from urllib.parse import urlsplit


def web_host(url: str) -> str:
    """Where a link really goes, to be shown beside a name that its sender chose."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_web_address(url: str) -> bool:
    """http(s), with a host, and nothing in it that could break out of a token."""
    if not url.lower().startswith(("http://", "https://")) or not url.isprintable():
        return False
    return bool(web_host(url)) and not any(char in url for char in "<>| \\")
