"""Refused: what the gate raises of a request that it does not let in."""

import math

from starlette.responses import JSONResponse


class Refused(Exception):
    """status: of HTTP. The text is what the visitor is told. seconds: when to try again, 0 for not at all."""

    def __init__(self, status: int, text: str, seconds: float = 0.0):
        super().__init__(text)
        self.status, self.seconds = status, seconds

    def response(self) -> JSONResponse:
        headers = {"Retry-After": str(math.ceil(self.seconds))} if self.seconds else {}
        # gradio's page shows "detail"; "error" is what its answers elsewhere call it
        content = {"detail": str(self), "error": str(self)}
        return JSONResponse(content, self.status, headers)
