"""Joining two histories of one entity, within a bound.

A history is a tuple sorted by rank without repeats. Up to the bound the join is exact. Beyond it the inside of
runs of equal states is dropped first (a row touched every 3 s keeps the moment it became what it is), then the oldest.
"""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def join_history(
    ours: tuple[T, ...],
    theirs: tuple[T, ...],
    *,
    rank: Callable[[T], tuple[object, ...]],
    same: Callable[[T, T], bool],
    pick: Callable[[T, T], T],
    limit: int,
) -> tuple[T, ...]:
    """Both histories as one; `pick` decides between two entries of the same rank, `same` compares states."""
    if not theirs or ours == theirs:
        return ours
    if not ours:
        return theirs
    by_rank: dict[tuple[object, ...], T] = {rank(entry): entry for entry in ours}
    for entry in theirs:
        key = rank(entry)
        held = by_rank.get(key)
        by_rank[key] = entry if held is None else pick(held, entry)
    merged = [by_rank[key] for key in sorted(by_rank)]
    if len(merged) > limit:
        merged = _shorten(merged, same, limit)
    return tuple(merged)


def _shorten(entries: list[T], same: Callable[[T, T], bool], limit: int) -> list[T]:
    position = 1
    while len(entries) > limit and position < len(entries) - 1:
        inside = same(entries[position - 1], entries[position]) and same(entries[position], entries[position + 1])
        if inside:
            del entries[position]
        else:
            position += 1
    return entries[-limit:]
