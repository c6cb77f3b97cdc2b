"""Cal.com's rate headers: suffixed names, several limits, reset in seconds or as an instant."""

import pytest

from connectors.calcom.rate import RateNotice, rate_notice

NOW = 1_790_000_000.0


def told(remaining: int, limit: int | None, reset: float) -> RateNotice:
    return RateNotice(remaining=remaining, limit=limit, reset_seconds=reset)


@pytest.mark.parametrize(
    ("headers", "notice"),
    [
        (
            {
                "X-RateLimit-Limit-Default": "120",
                "X-RateLimit-Remaining-Default": "7",
                "X-RateLimit-Reset-Default": "42",
            },
            told(7, 120, 42),
        ),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "5"}, told(3, None, 5)),
        ({"X-RateLimit-Remaining-Short": "3", "X-RateLimit-Reset-Short": str(NOW + 12)}, told(3, None, 12)),
        # A clock that is off by hours must not block us for hours.
        ({"X-RateLimit-Remaining-Short": "3", "X-RateLimit-Reset-Short": str(NOW + 9999)}, told(3, None, 60)),
        ({"X-RateLimit-Remaining-Short": "3", "X-RateLimit-Reset-Short": "-4"}, told(3, None, 0)),
        # Several limits: the tightest counts.
        (
            {
                "X-RateLimit-Remaining-Default": "100",
                "X-RateLimit-Reset-Default": "50",
                "X-RateLimit-Remaining-Short": "1",
                "X-RateLimit-Reset-Short": "2",
            },
            told(1, None, 2),
        ),
        # Without a reset the whole window counts.
        ({"X-RateLimit-Remaining-Default": "0"}, told(0, None, 60)),
        ({"X-RateLimit-Remaining-Default": "many"}, None),
        ({"X-RateLimit-Remaining-Default": "nan"}, None),
        ({"X-RateLimit-RemainingDefault": "1"}, None),
        ({}, None),
    ],
)
def test_what_the_headers_say(headers: dict[str, str], notice: RateNotice | None) -> None:
    assert rate_notice(headers, NOW) == notice
