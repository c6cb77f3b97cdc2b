"""All traps, of Cal.com and the application by turns, so that a short run meets some of each."""

from itertools import chain, zip_longest

from connectors.world.faults import traps_of_calcom, traps_of_delivery, traps_of_rows
from connectors.world.faults.trap import TrapStory

_TURNS = zip_longest(traps_of_delivery.TRAPS, traps_of_rows.TRAPS, traps_of_calcom.TRAPS)
TRAPS: tuple[TrapStory, ...] = tuple(trap for trap in chain.from_iterable(_TURNS) if trap is not None)
