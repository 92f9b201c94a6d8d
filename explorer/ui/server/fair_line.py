"""The fair line: visitors take turns, so that whoever asks for much waits behind those who ask for little."""

from collections import Counter

from gradio import queueing

from explorer.ui.server.visitors import visitor_of


class FairLine(list):
    """Waiting events. One more goes behind all that are in their visitors' first turn, second turn, ... as it is in its
    own; a visitor's events keep their order."""

    def append(self, event: queueing.Event) -> None:
        visitor = visitor_of(event.request.scope)
        turn, before = sum(visitor_of(other.request.scope) == visitor for other in self), Counter()
        for place, other in enumerate(self):
            of = visitor_of(other.request.scope)
            if before[of] > turn:
                self.insert(place, event)
                return
            before[of] += 1
        super().append(event)


class FairQueue(queueing.EventQueue):
    """gradio's line of events that share a limit, in fair order."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.queue = FairLine()


def take_turns() -> None:
    """Have gradio keep its lines in fair order; it offers no setting for it."""
    queueing.EventQueue = FairQueue
