"""What a writing request brings: its body as a form, and the fate planned for it."""

from typing import TypeVar

import msgspec
from starlette.requests import Request

from connectors.world.calcom.gate import ApiError
from connectors.world.calcom.state import CalcomState
from connectors.world.knobs import FATE_HEADER, Fate, fate_of

FormT = TypeVar("FormT")


async def form_of(request: Request, form: type[FormT]) -> FormT:
    """Raises ApiError (400) for a body that is no such form."""
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=form)
    except msgspec.MsgspecError as error:
        raise ApiError(400, "BadRequestException", str(error)) from error


def fate_for(state: CalcomState, request: Request) -> Fate:
    """The request's own fate; without one, the knobs may make the server forget or time out."""
    header = request.headers.get(FATE_HEADER)
    fate = fate_of(header)
    if header is None and state.rng.random() < state.knobs.forgets:
        return Fate(write="forget")
    if header is None and state.rng.random() < state.knobs.times_out:
        return Fate(write="time_out")
    return fate
