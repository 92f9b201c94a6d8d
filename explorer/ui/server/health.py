"""Whether the program is up, for whoever watches over it: GET /health."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from explorer import __version__, available
from explorer.ui.server.stop import Work


def health_route(work: Work) -> Route:
    """GET /health -> {version, models, ready, sessions}: 200, or 503 while the first model loads or the app stops."""

    async def health(request: Request) -> JSONResponse:
        ready = work.ready and not work.stopping
        sessions = len(request.app.state_holder.session_data)
        content = {"version": __version__, "models": available(), "ready": ready, "sessions": sessions}
        return JSONResponse(content, 200 if ready else 503)

    return Route("/health", health)
