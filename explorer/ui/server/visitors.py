"""Visitors: who sent a request, as limits, uploads and pages know it."""

import ipaddress
from contextvars import ContextVar

from starlette.types import Scope

current: ContextVar[str] = ContextVar("visitor", default="")
"""The visitor whose request is being answered; the gate sets it before gradio sees the request."""


def visitor_of(scope: Scope) -> str:
    """The visitor of an ASGI request: its client address, "" where the server knows none.

    An IPv6 address counts as its /64 network, since one visitor can use every address of it.
    """
    address = scope["client"][0] if scope.get("client") else ""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False))
