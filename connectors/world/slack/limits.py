"""What Slack documents of blocks: kinds, what each must have, and how long its texts may be.

Sources: docs.slack.dev, Block Kit reference (blocks, elements, composition objects). Only the kinds in use here.
"""

from collections.abc import Callable, Iterator
from typing import Any

Block = dict[str, Any]

BLOCKS_MAX = 50
TEXT_CHARACTERS_MAX = 40_000
_MRKDWN_OR_PLAIN = ("mrkdwn", "plain_text")


def violations(body: Block) -> list[str]:
    """What is wrong with a message's text and blocks, in Slack's manner; empty where nothing is."""
    blocks = body.get("blocks") or []
    if not isinstance(blocks, list):
        return ["[ERROR] blocks is no list"]
    found = [] if len(blocks) <= BLOCKS_MAX else [f"[ERROR] no more than {BLOCKS_MAX} items allowed [/blocks]"]
    for number, block in enumerate(blocks):
        check = _BLOCKS.get(block.get("type", "")) if isinstance(block, dict) else None
        wrong = ["unsupported type"] if check is None else [*_bounded(block, "block_id", 255), *check(block)]
        found += [f"[ERROR] {one} [/blocks/{number}]" for one in wrong]
    return found


def _header(block: Block) -> Iterator[str]:
    yield from _text(block.get("text"), 150, ("plain_text",))


def _section(block: Block) -> Iterator[str]:
    text, fields = block.get("text"), block.get("fields")
    if text is None and not fields:
        yield "text or fields is missing"
    if text is not None:
        yield from _text(text, 3000)
    if fields is not None:
        yield from _counted(fields, "fields", 10)
        for field in fields:
            yield from _text(field, 2000)


def _context(block: Block) -> Iterator[str]:
    elements = block.get("elements") or []
    yield from _counted(elements, "elements", 10)
    for element in elements:
        yield from _text(element, 3000)


def _actions(block: Block) -> Iterator[str]:
    elements = block.get("elements") or []
    yield from _counted(elements, "elements", 25)
    names = [element.get("action_id") for element in elements]
    if len(set(names)) < len(names):
        yield "action_id is not unique"
    for element in elements:
        check = _ELEMENTS.get(element.get("type", ""))
        yield from ["unsupported element"] if check is None else check(element)


def _button(element: Block) -> Iterator[str]:
    yield from _text(element.get("text"), 75, ("plain_text",))
    yield from _bounded(element, "action_id", 255)
    yield from _bounded(element, "value", 2000)
    yield from _bounded(element, "url", 3000)
    if element.get("style", "primary") not in ("primary", "danger"):
        yield "style is unknown"
    yield from _confirm(element)


def _static_select(element: Block) -> Iterator[str]:
    yield from _text(element.get("placeholder"), 150, ("plain_text",))
    yield from _bounded(element, "action_id", 255)
    options = element.get("options") or []
    yield from _counted(options, "options", 100)
    for option in options:
        yield from _text(option.get("text"), 75)
        yield from _bounded(option, "value", 150)
    yield from _confirm(element)


def _confirm(element: Block) -> Iterator[str]:
    confirm = element.get("confirm")
    if confirm is not None:
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            yield from _text(confirm.get(name), most, ("plain_text",))


def _text(text: Any, most: int, kinds: tuple[str, ...] = _MRKDWN_OR_PLAIN) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield f"a text must be one of {', '.join(kinds)}"
    elif not isinstance(text.get("text"), str) or not text["text"]:
        yield "must be more than 0 characters"
    elif len(text["text"]) > most:
        yield f"must be less than {most + 1} characters"


def _bounded(of: Block, name: str, most: int) -> Iterator[str]:
    value = of.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > most):
        yield f"{name} must be less than {most + 1} characters"


def _counted(items: Any, name: str, most: int) -> Iterator[str]:
    if not isinstance(items, list) or not items:
        yield f"no fewer than 1 items allowed in {name}"
    elif len(items) > most:
        yield f"no more than {most} items allowed in {name}"


_Check = Callable[[Block], Iterator[str]]
_BLOCKS: dict[str, _Check] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "divider": lambda _: iter(()),
}
_ELEMENTS: dict[str, _Check] = {"button": _button, "static_select": _static_select}
