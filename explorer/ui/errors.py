"""Errors on their way to people: a sentence in the page and through the API, never a stack trace."""

import functools
import inspect
import logging

import gradio as gr

from explorer.core.atomic import no_room
from explorer.core.errors import ExplorerError

log = logging.getLogger(__name__)


def spoken(handler):
    """A handler whose ExplorerErrors reach the person as they stand; anything else is logged and apologised for."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def generate(*arguments, **named):
            try:
                yield from handler(*arguments, **named)
            except Exception as error:
                raise _said(error) from error

        return generate

    @functools.wraps(handler)
    def call(*arguments, **named):
        try:
            return handler(*arguments, **named)
        except Exception as error:
            raise _said(error) from error

    return call


def said_of(error: Exception) -> str:
    """The sentence for an error; one that nobody wrote a sentence for is logged."""
    if isinstance(error, ExplorerError):
        return str(error)
    if no_room(error):
        log.error("nothing can be written: %s", error)
        return (
            "The server has no room on its disk, so the file with the result could not be written. Your picture and "
            "codes are as they were; try again later."
        )
    log.error("unexpected error", exc_info=error)
    return f"Something went wrong inside the program ({type(error).__name__}). Your picture and codes are as they were."


def _said(error: Exception) -> gr.Error:
    if isinstance(error, gr.Error):
        return error
    return gr.Error(said_of(error), title="That did not work", print_exception=False)
