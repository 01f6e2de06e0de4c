"""Numbers for people: four digits at most, true minus signs, and a dash for what does not exist.

The page does the same in `js/src/domain/format.ts`.
"""

from __future__ import annotations

import math

__all__ = [
    "MISSING",
    "format_bytes",
    "format_count",
    "format_decibel",
    "format_estimate",
    "format_number",
    "format_percentage",
    "format_tick",
    "power_of_ten",
]

MISSING = "—"

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUS = str.maketrans("-", "−")


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
    if not math.isfinite(value) or value == 0:
        return _special(value)
    # To four digits first: what rounds up to the next power of ten is of that size.
    digits, exponent = f"{value:.3e}".split("e")
    size = int(exponent)
    if not -3 <= size < 6:
        return f"{digits}×10{str(size).translate(_SUPERSCRIPTS)}".translate(_MINUS)
    return f"{float(f'{value:.3e}'):,.{max(0, 3 - size)}f}".translate(_MINUS)


def format_tick(value: float) -> str:
    """Return a round number as an axis shows it.

    >>> [format_tick(value) for value in (0.5, 40.0, 20000, 2e-5, 1e7)]
    ['0.5', '40', '20,000', '2×10⁻⁵', '10⁷']
    """
    if not math.isfinite(value) or value == 0:
        return _special(value)
    digits, exponent = f"{value:.5e}".split("e")
    size, mantissa = int(exponent), f"{float(digits):g}"
    if -3 <= size < 6:
        text = f"{float(f'{value:.5e}'):,.{max(0, 5 - size)}f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text).translate(_MINUS)
    power = f"10{str(size).translate(_SUPERSCRIPTS)}"
    return power if mantissa == "1" else f"{mantissa}×{power}".translate(_MINUS)


def format_count(value: float) -> str:
    """Return a whole number in full.

    >>> format_count(432698.0)
    '432,698'
    """
    return f"{value:,.0f}".translate(_MINUS) if math.isfinite(value) else _special(value)


def format_percentage(value: float) -> str:
    """Return a percentage, 0–100.

    >>> [format_percentage(value) for value in (12.84, 1.3, 0.033, 0.0004, 0)]
    ['12.8 %', '1.30 %', '0.033 %', '< 0.001 %', '0 %']
    """
    if not math.isfinite(value):
        return _special(value)
    if value == 0:
        return "0 %"
    if abs(value) < 0.001:
        return "< 0.001 %"
    return f"{value:.{1 if value >= 10 else 2 if value >= 1 else 3}f} %".translate(_MINUS)


def format_decibel(value: float) -> str:
    """Return decibels to a tenth.

    >>> format_decibel(-3.04)
    '−3.0 dB'
    """
    return f"{round(value, 1) + 0.0:.1f} dB".translate(_MINUS) if math.isfinite(value) else _special(value)


def format_bytes(value: float) -> str:
    """Return a round number of bytes.

    >>> [format_bytes(value) for value in (90_870_000, 999_600, 512)]
    ['90.9 MB', '1 MB', '512 B']
    """
    if not math.isfinite(value):
        return _special(value)
    # From 999.5 of one unit on, the rounded figure is one of the next.
    units = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
    size, unit = next((unit for unit in units if value >= 0.9995 * unit[0]), (1, "B"))
    return f"{float(f'{value / size:.3g}'):,g} {unit}"


def format_estimate(value: float) -> str:
    """Return a number to two digits.

    >>> [format_estimate(value) for value in (3571.6, 38.66, 25.0)]
    ['3,600', '39', '25']
    """
    return format_tick(float(f"{value:.1e}"))


def _special(value: float) -> str:
    if math.isnan(value):
        return MISSING
    return "0" if value == 0 else "∞" if value > 0 else "−∞"
