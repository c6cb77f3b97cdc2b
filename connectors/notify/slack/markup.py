"""Slack's markup. Text from outside is escaped here, and fits before it is sent: Slack refuses what is too long."""

import re

#: Of one text in a section; Slack takes 3 000.
SECTION_CHARACTERS_MAX = 2_900
#: Of one field of a section; Slack takes 2 000.
FIELD_CHARACTERS_MAX = 1_900
#: Of a header; Slack takes 150, and may count a sign outside the basic plane twice.
HEADER_CHARACTERS_MAX = 140
LINK_CHARACTERS_MAX = 1_500
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_IN_A_LINK = str.maketrans({"&": "&amp;", "<": "%3C", ">": "%3E", "|": "%7C", " ": "%20"})
#: An actor that pressed a button (`slack:U0123`): shown by the name that Slack knows.
_SLACKS_USER = re.compile(r"slack:([UW][A-Z0-9]{1,30})")


def escaped(text: str, characters_max: int = SECTION_CHARACTERS_MAX) -> str:
    """Text that Slack shows as it is: no links, no mentions; cut at its end, never within an escape."""
    kept: list[str] = []
    length = 0
    for sign in text:
        piece = _ESCAPES.get(sign, sign)
        length += len(piece)
        if length > characters_max - 1:
            return "".join(kept) + "…"
        kept.append(piece)
    return "".join(kept)


def code(text: str, characters_max: int = 300) -> str:
    """An id, to be copied as it is."""
    return f"`{escaped(' '.join(text.replace('`', chr(39)).split()), characters_max)}`"


def link(name: str, url: str) -> str:
    """A link; a page without an address of its own (a path in the repository) is named, not linked."""
    target = url.translate(_IN_A_LINK)
    if not url.startswith(("https://", "http://")) or len(target) > LINK_CHARACTERS_MAX:
        return f"{escaped(name)}: {escaped(url, LINK_CHARACTERS_MAX)}"
    return f"<{target}|{escaped(name)}>"


def person(actor: str) -> str:
    """Who did it: a name as it is, a user of Slack as Slack shows them."""
    user = _SLACKS_USER.fullmatch(actor)
    return f"<@{user[1]}>" if user else escaped(actor, 200)


def fitting(texts: list[str], characters_max: int = SECTION_CHARACTERS_MAX) -> list[str]:
    """As many of the first lines as fit together, of texts that are marked up already; none is cut."""
    kept: list[str] = []
    length = 0
    for text in texts:
        length += len(text) + 1
        if length > characters_max:
            break
        kept.append(text)
    return kept
