"""Delivery: headers of every answer, by which browsers keep what never changes and run only scripts of the page."""

import os
import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HASHED = re.compile(r"^/(assets|static)/.*[-.][A-Za-z0-9_-]{8,}\.(js|css|woff2?|svg|png|wasm)$")
"""Files of gradio whose names change with their contents."""
FOREVER = "public, max-age=31536000, immutable"
EMBEDDERS = "https://huggingface.co https://*.huggingface.co https://*.hf.space" if "SPACE_ID" in os.environ else ""
"""Sites that may show the page in a frame, beside the page's own."""
POLICY = "; ".join(
    [
        "default-src 'self'",
        # gradio's page starts with scripts in its HTML, and compiles the js of components and events
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        f"frame-ancestors 'self' {EMBEDDERS}".strip(),
    ]
)
"""Of pages: everything comes from here."""
OF_FILES = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox"
"""Of uploads and of files made for visitors: they are shown, and never run."""
FILES = "/gradio_api/file="


class Delivery:
    """ASGI middleware that adds these headers."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
                if scope["path"].startswith(FILES):
                    headers["Content-Security-Policy"] = OF_FILES
                elif headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Security-Policy"] = POLICY
                if message["status"] == 200 and HASHED.match(scope["path"]):
                    headers["Cache-Control"] = FOREVER
            await send(message)

        await self._app(scope, receive, sending)
