"""The password, where one is set: without it nothing answers but the login, the health and what the login looks like.

gradio asks for a login on most of its routes, but not on all: its MCP server and some small routes answer anybody. So
it is asked for here, before anything else. Programs may send the password with each request (HTTP Basic).
"""

import base64
import math
import secrets

from gradio.route_utils import compare_passwords_securely
from gradio.routes import App
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from explorer.services.limits import LOGIN, Stores
from explorer.ui.server.visitors import visitor_of

OPEN = ("/", "/health", "/favicon.ico", "/robots.txt", "/manifest.json", "/theme.css", "/gradio_api/theme.css")
"""What anybody may get. The page itself shows nothing but the login until that is done."""
OPEN_BELOW = ("/assets/", "/static/", "/svelte/", "/pwa_icon")
STARTED = "/gradio_api/startup-events"
"""What gradio's launch asks for to see that the server is up. It only starts what is started already."""
LARGEST_LOGIN = 16 * 2**10
"""Bytes of a form with a name and a password."""
LOG_IN = "Log in first. A program may send name and password with each request (HTTP Basic)."


class Login:
    """ASGI middleware around gradio's App; it lets everything pass where the app was launched without `auth`.

    An address that failed too often has to wait before it may try again.
    """

    def __init__(self, app: ASGIApp, failures: Stores | None = None):
        self._app, self._failures = app, failures or Stores(LOGIN)
        self._tokens: dict[str, str] = {}
        """User -> the token that stands for who sends the password with each request."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["app"].auth is None:
            await self._app(scope, receive, send)
            return
        connection, app = HTTPConnection(scope), scope["app"]
        address = visitor_of(scope)
        wait = math.ceil(self._failures.seconds_until(address, 1))
        basic = connection.headers.get("authorization", "")
        if not is_login(scope) and (_is_open(scope) or _logged_in(connection, app)):
            await self._app(scope, receive, send)
        elif not is_login(scope) and not basic.lower().startswith("basic "):
            await _refuse(401, LOG_IN, scope, receive, send)
        elif wait:
            text = f"Too many passwords were tried from here. Try again in {wait} s."
            await _refuse(429, text, scope, receive, send, {"Retry-After": str(wait)})
        elif is_login(scope):
            self._failures.take(address, 1)
            await self._app(scope, _bounded(receive), self._forgiving(address, send))
        elif user := _user(basic, app.auth):
            await self._app(self._as(user, scope), receive, send)
        else:
            self._failures.take(address, 1)
            await _refuse(401, "The name or the password is wrong.", scope, receive, send)

    def _forgiving(self, address: str, send: Send) -> Send:
        """Sends on gradio's answer to a login; one that succeeded does not count as a failure."""

        async def sending(message: Message) -> None:
            if message.get("status") == 200:
                self._failures.take(address, -1)
            await send(message)

        return sending

    def _as(self, user: str, scope: Scope) -> Scope:
        """The request as gradio takes it of a user who has logged in: with a token as its only cookie."""
        app: App = scope["app"]
        token = self._tokens.setdefault(user, secrets.token_urlsafe(16))
        app.tokens[token] = user
        headers = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
        return {**scope, "headers": [*headers, (b"cookie", f"access-token-unsecure-{app.cookie_id}={token}".encode())]}


def is_login(scope: Scope) -> bool:
    """Whether a request is a login, to an app that was launched with `auth`."""
    return scope["path"] in ("/login", "/login/") and scope.get("method") == "POST" and scope["app"].auth is not None


def _is_open(scope: Scope) -> bool:
    path = scope["path"]
    return scope.get("method") in ("GET", "HEAD") and (path in (*OPEN, STARTED) or path.startswith(OPEN_BELOW))


def _logged_in(connection: HTTPConnection, app: App) -> bool:
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return next(filter(None, map(connection.cookies.get, names)), None) in app.tokens


def _user(basic: str, accounts: dict[str, str]) -> str:
    """Who sends the right password in an Authorization header; "" for nobody."""
    try:
        user, _, password = base64.b64decode(basic.split(" ", 1)[1], validate=True).decode("utf-8").partition(":")
    except ValueError:
        return ""
    expected = accounts.get(user, "")
    return user if expected and compare_passwords_securely(password, expected) else ""


def _bounded(receive: Receive) -> Receive:
    """Receives no more than a login needs; of what is longer, nothing else comes."""
    size = 0

    async def receiving() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        return message if size <= LARGEST_LOGIN else {"type": "http.disconnect"}

    return receiving


async def _refuse(status: int, text: str, scope: Scope, receive: Receive, send: Send, headers=None) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await JSONResponse({"detail": text, "error": text}, status, headers)(scope, receive, send)
