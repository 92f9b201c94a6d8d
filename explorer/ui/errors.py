"""Errors on their way to people: a sentence in the page and through the API, never a stack trace."""

import functools
import inspect
import logging

import gradio as gr

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


def _said(error: Exception) -> gr.Error:
    if isinstance(error, gr.Error):
        return error
    if isinstance(error, ExplorerError):
        return gr.Error(str(error), title="That did not work", print_exception=False)
    log.exception("unexpected error")
    return gr.Error(
        f"Something went wrong inside the program ({type(error).__name__}). Your picture and codes are as they were.",
        title="That did not work",
        print_exception=False,
    )
