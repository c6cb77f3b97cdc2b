"""Bars of a small chart: geometry alone, so that the template only draws it."""

from collections.abc import Sequence
from typing import Literal

import msgspec

WIDTH = 560
HEIGHT = 120
#: Above the bars, for the figure of the highest; below them, for what they stand for.
TOP, BOTTOM = 16, 18
GAP_SHARE = 0.25
#: Half of a label's width: one at the edge moves inwards, or it would be cut.
LABEL_HALF = 18


class Amount(msgspec.Struct, frozen=True):
    """What one bar stands for. `critical` is a part of `whole`; `label` may be empty, `says` is for a pointer."""

    label: str
    whole: float
    critical: float
    says: str


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar in the chart's own units; the critical part stands at the bottom. `figure` is empty where it is 0."""

    x: float
    width: float
    y: float
    height: float
    critical_y: float
    critical_height: float
    middle: float
    label: str
    figure: str
    says: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Bars with their baseline. `says` the whole for whoever cannot see it."""

    width: int
    height: int
    baseline: float
    bars: tuple[Bar, ...]
    says: str


def chart_of(amounts: Sequence[Amount], *, says: str, figures: Literal["all", "highest"]) -> Chart:
    """One bar an amount, as high as its share of the highest. `figures`: which bars carry their number."""
    most = max((amount.whole for amount in amounts), default=0) or 1
    step = WIDTH / max(1, len(amounts))
    baseline = HEIGHT - BOTTOM
    room = baseline - TOP
    bars = []
    for number, amount in enumerate(amounts):
        height, critical = (round(room * part / most, 1) for part in (amount.whole, amount.critical))
        bars.append(
            Bar(
                x=round(number * step + step * GAP_SHARE / 2, 1),
                width=round(step * (1 - GAP_SHARE), 1),
                y=round(baseline - height, 1),
                height=height,
                critical_y=round(baseline - critical, 1),
                critical_height=critical,
                middle=round(min(max((number + 0.5) * step, LABEL_HALF), WIDTH - LABEL_HALF), 1),
                label=amount.label,
                figure=f"{amount.whole:,.0f}" if amount.whole and (figures == "all" or amount.whole == most) else "",
                says=amount.says,
            )
        )
    return Chart(width=WIDTH, height=HEIGHT, baseline=baseline, bars=tuple(bars), says=says)
