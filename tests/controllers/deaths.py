"""An event that is cut off at each of its writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from controllers.world import World

Happening = Callable[[int], object]
"""Is called with the number of writes that the operator lives for."""


def deaths(
    world: World, event: Happening, end: Happening, prepare: Happening = lambda _: None
) -> Iterator[tuple[int, list[str]]]:
    """Have an event happen again and again. The first time the operator is killed before it has written anything, the next time
    after one write, and so on, until it lives to the end; then, too, another operator goes on.

    Gives the number of writes and these after each death and end. ``end`` waits for the end, ``prepare`` for what has to be
    there before. Calls to AWS have to be made one at a time, or more writes would be carried out than were counted.
    """
    assert world.settings["aws_connections"] == 1
    for writes in count():
        prepare(writes)
        begun = world.writes()
        with world.killed_after(writes) as died:
            event(writes)
            end(writes)
        was_early, written = died(), world.host.writes.all()[begun:]
        world.restart()
        end(writes)
        yield writes, written
        if not was_early:
            return
