"""Codebook Explorer: `python app.py` opens the page on http://127.0.0.1:7860."""

import argparse
import logging
import os
import threading
import time
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path

# Before gradio and huggingface_hub are imported: nothing calls home.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

AUTH = "CODEBOOK_EXPLORER_AUTH"
LOCAL = ("127.0.0.1", "localhost", "::1")
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
        "--auth",
        type=account,
        metavar="USER:PASSWORD",
        help=f"ask for a password; in the variable {AUTH} instead, no list of processes shows it",
    )
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
    options = parser.parse_args(arguments)
    given = os.environ.pop(AUTH, "")  # for no process that this one starts
    if given and not options.auth:
        try:
            options.auth = account(given)
        except argparse.ArgumentTypeError as error:
            parser.error(f"{AUTH}: {error}")
    return options


def account(text: str) -> tuple[str, str]:
    """A name and a password. An error does not repeat them: it may be logged."""
    user, _, password = text.partition(":")
    if not user.strip() or not password:
        raise argparse.ArgumentTypeError("expected a name and a password with a colon between, user:password")
    return user.strip(), password


def limited(options: argparse.Namespace) -> bool:
    """Whether one visitor may ask for only so much: as asked for, else where others can reach the page."""
    return options.limits if options.limits is not None else ON_SPACE or host_of(options) not in LOCAL


def host_of(options: argparse.Namespace) -> str:
    return options.host or os.environ.get("GRADIO_SERVER_NAME") or LOCAL[0]


def warn_if_open(options: argparse.Namespace) -> None:
    """Say so where others can reach the page and nobody is asked for a password; a Space has its own settings."""
    if host_of(options) not in LOCAL and not options.auth and not ON_SPACE:
        logging.warning(
            "WARNING: --host %s lets everybody on the network use this program and its processor, and no password is "
            "set. Set one with --auth user:password or %s=user:password.",
            host_of(options),
            AUTH,
        )


def main() -> None:
    options = parse()
    logging.basicConfig(level=logging.INFO)
    from explorer.ui.server.logs import guard_logs

    guard_logs()
    warn_if_open(options)
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
    from explorer.ui.server.logs import Printed, guard_logs
    from explorer.ui.server.stop import Work, serve_until_stopped

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
    app.launch(prevent_thread_lock=True, auth=options.auth, **chosen, **settings)
    guard_logs()  # now those of uvicorn too
    with redirect_stdout(Printed()):
        serve_until_stopped(app, work)


if __name__ == "__main__":
    main()
