"""Codebook Explorer: `python app.py` opens the page on http://127.0.0.1:7860."""

import argparse
import logging
import os
import threading
import time
from datetime import timedelta
from pathlib import Path

# Before gradio and huggingface_hub are imported: nothing calls home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

ON_SPACE = "SPACE_ID" in os.environ
if ON_SPACE:  # reached through the Hub's proxy alone, from a private network: it says who is asking, nobody else does
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "127.0.0.1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="Open up image tokenizers in the browser.")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where models run (auto)")
    parser.add_argument("--host", default=None, help="address to serve on (127.0.0.1, or GRADIO_SERVER_NAME)")
    parser.add_argument("--port", type=int, default=None, help="port to serve on (the first free one from 7860)")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument("--log-requests", action="store_true", default=ON_SPACE, help="one line of JSON per request")
    parser.add_argument(
        "--limits",
        action=argparse.BooleanOptionalAction,
        help="bound what one visitor may ask for (where others than this machine can reach the page)",
    )
    parser.add_argument(
        "--forget-after",
        type=float,
        default=1800,
        help="seconds until a closed page and its files are forgotten (1800)",
    )
    return parser.parse_args(arguments)


def limited(options: argparse.Namespace) -> bool:
    """Whether one visitor may ask for only so much: as asked for, else where others can reach the page."""
    if options.limits is not None:
        return options.limits
    host = options.host or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    return ON_SPACE or host not in ("127.0.0.1", "localhost", "::1")


def main() -> None:
    options = parse()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("explorer.requests").setLevel(logging.INFO if options.log_requests else logging.WARNING)
    from explorer.core.errors import ExplorerError
    from explorer.services import zero_gpu
    from explorer.services.temporary import private_folder

    zero_gpu.prepare()
    try:
        with private_folder() as folder:
            serve(options, folder)
    except ExplorerError as error:
        raise SystemExit(f"error: {error}") from None


def serve(options: argparse.Namespace, folder: Path | None) -> None:
    """Serve the page until a signal says to stop; folder: of visitors' files, to be kept tidy."""
    from explorer import available
    from explorer.core.errors import ExplorerError
    from explorer.services.model_store import ModelStore
    from explorer.services.shelf import take_stock
    from explorer.services.temporary import sweep
    from explorer.ui.app import build_app, launch_options
    from explorer.ui.context import AppContext
    from explorer.ui.stop import Work, serve_until_stopped

    shelf, work = take_stock(available()), Work(ready=False)
    context = AppContext(ModelStore(options.device), shelf.models, left_out=shelf.left_out)
    context.maps.check_folder()
    app = build_app(context)

    def behind_the_page() -> None:
        log = logging.getLogger(__name__)
        try:
            context.store.get(context.default_model)
        except ExplorerError as error:  # others can be chosen
            log.error("%s", error)
        from explorer.lab.runs import warm_up

        warm_up()
        work.ready = True
        while folder:
            time.sleep(min(60.0, options.forget_after))
            try:
                sweep(folder, options.forget_after)
            except ExplorerError as error:
                log.error("%s", error)

    # The page opens from disk; what the first picture and the first run of the lab need is loaded meanwhile, and from
    # then on what visitors left is removed.
    threading.Thread(target=behind_the_page, daemon=True).start()
    chosen = {"server_name": options.host, "server_port": options.port, "inbrowser": options.open}
    settings = launch_options(work, limited(options), timedelta(seconds=options.forget_after))
    app.launch(prevent_thread_lock=True, **chosen, **settings)
    serve_until_stopped(app, work)


if __name__ == "__main__":
    main()
