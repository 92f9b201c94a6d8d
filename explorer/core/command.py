"""What a command says where something can't be done: a sentence, not a traceback."""

import functools
import sys
from collections.abc import Callable

from explorer.core.atomic import no_room
from explorer.core.errors import ExplorerError

Main = Callable[[list[str] | None], int]


def refusing(main: Main) -> Main:
    """A command's main function whose ExplorerErrors go to stderr as they stand; it then returns 2."""

    @functools.wraps(main)
    def told(arguments: list[str] | None = None) -> int:
        try:
            return main(arguments)
        except ExplorerError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except OSError as error:
            if not no_room(error):
                raise
            print(f"error: {error}. Free some space and run the same command again.", file=sys.stderr)
            return 2

    return told
