"""Numbers for people: few digits, true minus signs, a dash for what does not exist.

``js/src/domain/format.ts`` writes the same, to the character.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

__all__ = [
    "MISSING",
    "format_bytes",
    "format_count",
    "format_decibel",
    "format_estimate",
    "format_number",
    "format_parameters",
    "format_percentage",
    "format_score",
    "format_seconds",
    "format_tick",
    "power_of_ten",
]

MISSING = "—"

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def power_of_ten(exponent: int) -> str:
    """Return 10ⁿ as a tick of a log axis shows it.

    >>> power_of_ten(-3)
    '10⁻³'
    """
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def format_number(value: float) -> str:
    """Return any real number to four digits.

    >>> [format_number(value) for value in (3844.2, 0.14359, 0.5, -1.649e-5, float("inf"), float("nan"), 0)]
    ['3,844', '0.1436', '0.5000', '−1.649×10⁻⁵', '∞', '—', '0']
    """
    if (word := _special(value)) is not None:
        return word
    rounded, size = _rounded(value, 4)
    return _significant(value, 4) if _is_plain(size) else _scientific(rounded, size, trim=False)


def format_tick(value: float) -> str:
    """Return a round number as an axis shows it.

    >>> [format_tick(value) for value in (0.5, 40.0, 20000, 2e-5, 1e7)]
    ['0.5', '40', '20,000', '2×10⁻⁵', '10⁷']
    """
    if (word := _special(value)) is not None:
        return word
    rounded, size = _rounded(value, 6)
    return _trimmed(_significant(value, 6)) if _is_plain(size) else _scientific(rounded, size, trim=True)


def format_estimate(value: float) -> str:
    """Return an estimate to two digits.

    >>> [format_estimate(value) for value in (3571.6, 38.66, 25.0)]
    ['3,600', '39', '25']
    """
    return format_tick(float(_rounded(value, 2)[0]) if value and math.isfinite(value) else value)


def format_count(value: float) -> str:
    """Return a whole number in full.

    >>> format_count(432698.0)
    '432,698'
    """
    if not abs(value) < 1e15:
        return format_number(value)
    return _special(value) or _fixed(value, 0)


def format_percentage(value: float) -> str:
    """Return a percentage, 0–100.

    >>> [format_percentage(value) for value in (12.84, 1.3, 0.033, 0.0004, 0)]
    ['12.8 %', '1.30 %', '0.033 %', '< 0.001 %', '0 %']
    """
    size = abs(value)
    if not math.isfinite(value):
        return str(_special(value))
    if 0 < size < 0.001:
        return "< 0.001 %" if value > 0 else "> −0.001 %"
    if size == 0 or size >= 1e6:
        return f"{format_number(value)} %"
    return f"{_fixed(value, 1 if size >= 9.995 else 2 if size >= 0.9995 else 3)} %"


def format_decibel(value: float) -> str:
    """Return decibels to a tenth.

    >>> format_decibel(-3.04)
    '−3.0 dB'
    """
    return f"{format_score(value)} dB" if math.isfinite(value) else str(_special(value))


def format_score(value: float) -> str:
    """Return a score to a tenth.

    >>> format_score(88.57)
    '88.6'
    """
    return _fixed(value, 1) if abs(value) < 1e6 else format_number(value)


def format_parameters(value: float) -> str:
    """Return a round number of parameters.

    >>> format_parameters(22565376)
    '22.6 M'
    """
    return _in_units(value, (" T", " B", " M", " K"), "")


def format_bytes(value: float) -> str:
    """Return a round number of bytes, in powers of 1000.

    >>> format_bytes(90_868_376)
    '90.9 MB'
    """
    return _in_units(value, (" TB", " GB", " MB", " kB"), " B")


def format_seconds(seconds: float) -> str:
    """Return a time in the unit that suits it.

    >>> [format_seconds(value) for value in (0.2, 59.4, 720, 5400)]
    ['1 s', '59 s', '12 min', '1 h 30 min']
    """
    if not math.isfinite(seconds):
        return str(_special(seconds))
    whole, minutes = max(1, math.floor(seconds + 0.5)), math.floor(seconds / 60 + 0.5)
    if whole < 60:
        return f"{whole} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


_EXACT = Context(prec=30)


def _special(value: float) -> str | None:
    """Return the text of a value that has no digits; None for all others."""
    if math.isnan(value):
        return MISSING
    if value == 0:
        return "0"
    return None if math.isfinite(value) else "∞" if value > 0 else "−∞"


def _fixed(value: float | Decimal, decimals: int) -> str:
    """Return a number with this many decimals; halves are rounded away from zero, as by JavaScript's ``toFixed``."""
    size = abs(Decimal(value))
    text = f"{size.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _EXACT):,f}"
    return f"−{text}" if value < 0 and text.strip("0.,") else text


def _rounded(value: float, digits: int) -> tuple[Decimal, int]:
    """Return a number rounded to this many digits, and the power of ten of the first."""
    rounded = Context(digits, ROUND_HALF_UP).plus(Decimal(value))
    return rounded, rounded.adjusted()


def _significant(value: float, digits: int) -> str:
    rounded, size = _rounded(value, digits)
    return _fixed(rounded, max(0, digits - 1 - size))


def _scientific(rounded: Decimal, size: int, *, trim: bool) -> str:
    digits = _fixed(rounded.scaleb(-size), 5 if trim else 3)
    digits = _trimmed(digits) if trim else digits
    return power_of_ten(size) if digits == "1" else f"{digits}×{power_of_ten(size)}"


def _is_plain(size: int) -> bool:
    return -3 <= size < 6


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _in_units(value: float, units: tuple[str, ...], one: str) -> str:
    if not math.isfinite(value):
        return str(_special(value))
    steps = ((10.0 ** (12 - 3 * index), unit) for index, unit in enumerate(units))
    # From 999.5 of one unit the rounded figure is one of the next.
    size, unit = next(((size, unit) for size, unit in steps if abs(value) >= 0.9995 * size), (1.0, one))
    scaled = value / size
    if size == 1 or abs(scaled) >= 1e6:
        return f"{format_count(value) if size == 1 else format_number(scaled)}{unit}"
    return f"{_trimmed(_significant(scaled, 3))}{unit}"
