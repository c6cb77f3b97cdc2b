"""What is wrong with a configuration, in lines that a person can act on: key, value, what is allowed."""

import json
from collections.abc import Iterator
from enum import Enum
from itertools import chain
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from streams.settings_sources import SECRET_FORMS

#: Shown values are cut here: a line stays a line.
SHOWN_CHARACTERS_MAX = 60


class _Place:
    """A place in the model: its type, its bounds and, where the type does not say enough, its own words."""

    def __init__(self, annotation: Any, metadata: tuple[Any, ...] = (), words: str | None = None) -> None:
        while get_origin(annotation) in (Annotated, Union, UnionType):
            annotation, more = _unwrapped(annotation)
            metadata += more
        self.annotation = annotation
        self.metadata = metadata
        self.words = words

    def step(self, key: str | int) -> "_Place | None":
        """The place one key further down; None where the model has no such key."""
        if self.is_section():
            field = self.annotation.model_fields.get(str(key))
            return field and _Place(field.annotation, tuple(field.metadata), field.description)
        match get_origin(self.annotation):
            case origin if origin is tuple:
                return _Place(get_args(self.annotation)[0])
            case origin if origin is dict:
                return _Place(get_args(self.annotation)[1])
        return None

    def allowed(self) -> str:
        """What may stand here, in words."""
        kind = self.annotation
        if self.words is not None:
            return self.words
        if kind is SecretStr:
            return SECRET_FORMS
        if get_origin(kind) is Literal:
            return f"one of {', '.join(get_args(kind))}"
        if get_origin(kind) is tuple:
            return "a list"
        if get_origin(kind) is dict:
            return "a table"
        if issubclass(kind, Enum):
            return f"one of {', '.join(member.value for member in kind)}"
        if issubclass(kind, BaseModel):
            return f"a table with {', '.join(kind.model_fields)}"
        words = {
            int: "a whole number",
            float: "a number",
            bool: "true or false",
            str: "a text that is not empty",
        }
        return words[kind] + self._bounds()

    def _bounds(self) -> str:
        low = next((one.ge for one in self.metadata if isinstance(one, Ge)), None)
        high = next((one.le for one in self.metadata if isinstance(one, Le)), None)
        return f" from {low} to {high}" if low is not None and high is not None else ""

    def is_section(self) -> bool:
        """Whether this is a table with keys of its own."""
        return isinstance(self.annotation, type) and issubclass(self.annotation, BaseModel)

    def holds_secrets(self) -> bool:
        """Whether a value here may be, or hold, a secret."""
        if self.is_section():
            steps = (self.step(name) for name in self.annotation.model_fields)
            return any(step is not None and step.holds_secrets() for step in steps)
        inner = get_args(self.annotation)
        return self.annotation is SecretStr or any(_Place(one).holds_secrets() for one in inner)

    def is_plain(self) -> bool:
        """Whether a value that stands here may be shown: one word or number, no secret, no table of them."""
        kind = self.annotation
        return get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, str | int | float))


def _unwrapped(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """One layer less: the type within `Annotated[…]` with its bounds, or within `… | None`."""
    kinds = get_args(annotation)
    if get_origin(annotation) is not Annotated:
        return next(kind for kind in kinds if kind is not NoneType), ()
    bounds = (one.metadata if isinstance(one, FieldInfo) else [one] for one in kinds[1:])
    return kinds[0], tuple(chain.from_iterable(bounds))


def problems_of(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """One line for each problem. No line shows a secret, nor a value that might be one."""
    for problem in error.errors(include_url=False):
        yield from _lines(problem, model)


def _lines(problem: ErrorDetails, model: type[BaseModel]) -> list[str]:
    path = [part for part in problem["loc"] if part != "[key]"]
    key = _key(path)
    parent, place = _places(path, model)
    told = _told(problem)
    if problem["type"] == "missing":
        return [f"{key} is missing: allowed is {place.allowed()}" if place else f"{key} is missing"]
    if problem["type"] == "extra_forbidden":
        # It may be a secret's key misspelt: its value is shown only where the section has no secrets.
        shown = "" if parent.holds_secrets() else _shown(problem["input"])
        allowed = ", ".join(parent.annotation.model_fields)
        return [f"{key}{shown}: unknown key; allowed are {allowed}"]
    if "[key]" in problem["loc"]:
        rules = _Place(get_args(parent.annotation)[0]).allowed()
        return [f"{key}: unknown key; allowed is {rules}"]
    if told is not None and place is not None and place.is_section():
        return told.splitlines()  # between several keys: the text names them itself
    shown = _shown(problem["input"]) if place is not None and place.is_plain() else ""
    reason = told or f"allowed is {place.allowed() if place else 'another value'}"
    return [f"{key}{shown}: {reason}"]


def _places(path: list[str | int], model: type[BaseModel]) -> tuple[_Place, _Place | None]:
    parent, place = _Place(model), _Place(model)
    for part in path:
        below = place.step(part)
        if below is None:
            return place, None
        parent, place = place, below
    return parent, place


def _told(problem: ErrorDetails) -> str | None:
    """A validator's own words; None where pydantic found the problem."""
    error = problem.get("ctx", {}).get("error")
    return str(error) if isinstance(error, ValueError) else None


def _key(path: list[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return ""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return f" = {text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + '…'}"
