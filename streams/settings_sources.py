"""Where settings come from: the file, the environment over it, and secrets that live elsewhere.

The order is fixed: a value in the environment (`PLUMBLINE_<SECTION>__<KEY>`) goes before the same value in
`plumbline.toml`. A `Settings()` that is made outside of `reading()` reads nothing at all, so that a test sees
only what it was given.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

PREFIX = "PLUMBLINE_"
#: Between a section and its key in the name of an environment variable.
DELIMITER = "__"
SECRET_FORMS = 'a text, { env = "NAME" } or { file = "path" }'


class ConfigurationError(Exception):
    """The configuration cannot be used. `problems` holds one readable line each; no line shows a secret."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Section(BaseModel):
    """Base of every section: immutable, and an unknown key is an error. Ids may be written as numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


@dataclass(frozen=True)
class Reading:
    """What one `load_settings` reads: the parsed file, its folder, and the environment."""

    tables: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()
    env: Mapping[str, str] = field(default_factory=dict)


NOTHING = Reading()
_reading: ContextVar[Reading] = ContextVar("reading")


@contextmanager
def reading(path: Path | None, env: Mapping[str, str]) -> Iterator[None]:
    """Make `path` and `env` what settings are read from inside this block.

    Raises ConfigurationError where the file cannot be read, is no TOML, or a variable names no section.
    """
    now = Reading(tables=_tables(path), folder=path.parent if path else Path(), env=env)
    token = _reading.set(now)
    try:
        yield
    finally:
        _reading.reset(token)


def _tables(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError(f'PLUMBLINE_CONFIG = "{path}": {reason}; allowed is a readable file') from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: {error}; allowed is TOML 1.0") from error


def file_tables() -> Mapping[str, Any]:
    """The tables of the file being read."""
    return _reading.get(NOTHING).tables


class EnvironmentSource(EnvSettingsSource):
    """`PLUMBLINE_<SECTION>__<KEY>`, from the environment being read rather than the process's own.

    A variable without the double underscore is not ours unless it names a section: Kubernetes puts names such
    as `PLUMBLINE_API_PORT` into every pod beside a service of that name.
    """

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, env_prefix=PREFIX, env_nested_delimiter=DELIMITER, env_ignore_empty=True)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        env = {name: value for name, value in _reading.get(NOTHING).env.items() if name.upper().startswith(PREFIX)}
        sections = self.settings_cls.model_fields
        unknown = [
            f"{name}: unknown section; allowed are {', '.join(sections)}"
            for name in sorted(env)
            if DELIMITER in name and name[len(PREFIX) :].split(DELIMITER)[0].lower() not in sections
        ]
        if unknown:
            raise ConfigurationError(*unknown)
        return {name.lower(): value for name, value in env.items() if value}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """JSON where it is JSON; else the text, so that the field's own error names what is allowed."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except json.JSONDecodeError:
            return value


def _resolve(value: object) -> object:
    """The secret itself, from where `value` says it is.

    Raises ValueError with what is wrong, never with the secret.
    """
    match value:
        case {"env": str(name), **rest} if not rest:
            found = _reading.get(NOTHING).env.get(name)
            if not found:
                raise ValueError(f"the environment variable {name} is not set or empty")
            return found
        case {"file": str(name), **rest} if not rest:
            return _secret_file(_reading.get(NOTHING).folder / name)
        case str(text) if not text.strip():
            raise ValueError(f"a secret is never empty; allowed is {SECRET_FORMS}")
        case str() | SecretStr():
            return value
        case _:
            raise ValueError(f"allowed is {SECRET_FORMS}")


def _secret_file(path: Path) -> str:
    try:
        found = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file {path} cannot be read") from error
    if not found:
        raise ValueError(f"the file {path} is empty")
    return found


#: Text that is never printed. Written as it is, or as a name where to find it; a relative file lies beside
#: the configuration file.
Secret = Annotated[SecretStr, BeforeValidator(_resolve)]


def _listed(value: object) -> object:
    """A list from one word, or from words with commas between: the way people write lists in a variable."""
    match value:
        case str(text):
            return [word.strip() for word in text.split(",") if word.strip()]
        case int(number) if not isinstance(number, bool):
            return [number]
        case _:
            return value


#: Several words; in the environment JSON or words with commas between.
Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
