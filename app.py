"""Codebook Explorer: `python app.py` opens the page on http://127.0.0.1:7860."""

import argparse
import logging
import os
import threading

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before gradio is imported: nothing calls home


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="Open up image tokenizers in the browser.")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where models run (auto)")
    parser.add_argument("--host", default=None, help="address to serve on (127.0.0.1, or GRADIO_SERVER_NAME)")
    parser.add_argument("--port", type=int, default=None, help="port to serve on (the first free one from 7860)")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    return parser.parse_args(arguments)


def main() -> None:
    options = parse()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from explorer import available
    from explorer.services.model_store import ModelStore
    from explorer.ui.app import build_app, launch_options
    from explorer.ui.context import AppContext

    context = AppContext(ModelStore(options.device), tuple(available()))
    app = build_app(context)

    def load() -> None:
        context.store.get(context.default_model)
        from explorer.lab.runs import warm_up

        warm_up()

    # The page opens from disk; what the first picture and the first run of the lab need is loaded meanwhile.
    threading.Thread(target=load, daemon=True).start()
    app.launch(server_name=options.host, server_port=options.port, inbrowser=options.open, **launch_options())


if __name__ == "__main__":
    main()
