"""Which kind of device asks? One of three words out of two headers; what the headers say goes no further."""

from collections.abc import Iterable

from setwise.events.served import Device

_TABLETS = (b"ipad", b"tablet", b"kindle", b"silk/")
_DESKTOPS = (b"windows nt", b"macintosh", b"x11", b"cros")
_READ = 300
"""Bytes of a user agent that are looked at; the kind of device stands in its first brackets."""


def device_of(headers: Iterable[tuple[bytes, bytes]]) -> Device:
    """By Sec-CH-UA-Mobile where the browser sends it, else by the user agent; '' for what is neither (a shop's server
    that does not pass its shopper's headers on)."""
    hint, agent = b"", b""
    for name, value in headers:
        if name == b"sec-ch-ua-mobile":
            hint = value
        elif name == b"user-agent":
            agent = value[:_READ].lower()
    if hint == b"?1":
        return "phone"
    if any(word in agent for word in _TABLETS) or (b"android" in agent and b"mobile" not in agent):
        return "tablet"
    if b"mobi" in agent:
        return "phone"
    return "desktop" if any(word in agent for word in _DESKTOPS) else ""
