"""A page as text and as HTML, by the templates beside this file. In HTML every value is escaped."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from connectors.notify.mail.page import Page

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=lambda name: name is not None and name.endswith(".html"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def text_of(page: Page) -> str:
    """For mail programs that show no HTML."""
    return _templates.get_template("notice.txt").render(page=page)


def html_of(page: Page) -> str:
    """One document without anything loaded from elsewhere; readable on a phone and in the dark."""
    return _templates.get_template("notice.html").render(page=page)
