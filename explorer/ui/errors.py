"""Errors on their way to people: a sentence in the page and through the API, never a stack trace, never HTML."""

import functools
import html
import inspect
import logging
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction

from explorer.core.atomic import no_room
from explorer.core.errors import ExplorerError
from explorer.core.quoting import sentence

log = logging.getLogger(__name__)
TITLE = "That did not work"
NO_ROOM = (
    "The server has no room on its disk, so the file with the result could not be written. Your picture and codes are "
    "as they were; try again later."
)
SORRY = "Something went wrong inside the program. Your picture and codes are as they were."


class Page(gr.Blocks):
    """The app's gr.Blocks. Every error of every event and endpoint leaves it as a gr.Error with a sentence.

    The page shows messages as HTML, with links and pictures, so for its own events the sentence is escaped. Endpoints
    answer programs, which get the sentence as it is.
    """

    async def process_api(self, block_fn: BlockFunction | int, *arguments: Any, **named: Any) -> dict[str, Any]:
        try:
            return await super().process_api(block_fn, *arguments, **named)
        except Exception as error:
            function = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
            raise said(error, shown=function.api_visibility == "private") from error

    async def preprocess_data(self, block_fn: BlockFunction, *arguments: Any, **named: Any) -> list[Any]:
        """What gradio makes of a request's arguments; what it trips over are arguments of a wrong kind."""
        try:
            return await super().preprocess_data(block_fn, *arguments, **named)
        except (gr.Error, ExplorerError):
            raise
        except Exception as error:
            if block_fn.api_visibility == "private":
                raise ExplorerError("This request does not fit the page. Reload the page.") from error
            names = ", ".join(str(getattr(part, "label", "")) for part in block_fn.inputs)
            raise ExplorerError(
                f"These are not the arguments of /{block_fn.api_name}: expected {names}. A file is given as its upload "
                "returned it. All arguments are described at /gradio_api/info."
            ) from error


def spoken(handler):
    """A handler whose ExplorerErrors reach the person as they stand; anything else is logged and apologised for."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def generate(*arguments, **named):
            try:
                yield from handler(*arguments, **named)
            except Exception as error:
                raise said(error) from error

        return generate

    @functools.wraps(handler)
    def call(*arguments, **named):
        try:
            return handler(*arguments, **named)
        except Exception as error:
            raise said(error) from error

    return call


def said_of(error: Exception) -> str:
    """The sentence for an error; one that nobody wrote a sentence for is logged."""
    if isinstance(error, gr.Error):
        return sentence(error.message)
    if isinstance(error, ExplorerError):
        return sentence(error)
    if no_room(error):
        log.error("nothing can be written: %s", error)
        return NO_ROOM
    log.error("unexpected error", exc_info=error)
    return SORRY


def said(error: Exception, shown: bool = False) -> gr.Error:
    """An error as a gr.Error; shown: as a message of the page, which renders HTML."""
    text = said_of(error)
    return gr.Error(escaped(text) if shown else text, title=TITLE, print_exception=False)


def inform(text: str) -> None:
    """A message in a corner of the page, for some seconds."""
    gr.Info(escaped(sentence(text)), duration=6)


def warn(text: str) -> None:
    """The same, as a warning."""
    gr.Warning(escaped(sentence(text)))


def escaped(text: str) -> str:
    """Text for a message of the page, which renders HTML."""
    return html.escape(text, quote=False)
