"""What a seed is: 24 appointments told within a minute, edited by both sides for two more, watched for 260 s in all."""

from collections.abc import Callable

from tests.simulation.births import BIRTHS
from tests.simulation.edits import EDITS
from tests.simulation.life import Life
from tests.simulation.stories import Appointment, Pauses
from tests.simulation.weather import Weather

APPOINTMENTS = 24
SECONDS = 260.0


def lived(seed: int, weather: Weather | None = None, *, chronicle: bool = False) -> Life:
    """One whole life, to its end."""
    life = Life(seed, weather)
    if chronicle:
        life.chronicle = []
    return peopled(life)


def peopled(life: Life, only: Callable[[Appointment], Pauses] | None = None) -> Life:
    """Let its stories be told, or always the one given, and everything that follows from them happen."""
    for number in range(1, APPOINTMENTS + 1):
        story = Appointment(life, number)
        told = story.told(BIRTHS, EDITS) if only is None else only(story)
        life.tell(story.cause, told, life.random.uniform(0, 60 if only is None else 15))
    life.run(SECONDS)
    return life
