"""Labels beside points, placed so that they cover neither each other nor the frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Place", "place_labels"]

_HEIGHT, _CHARACTER = 14.0, 6.2  # pixels of the type that both drawings use
_NEAR, _FAR = 7.0, 20.0
_MARK = 4.0
_MOST_COVERED = 1
"""A label over more marks than this would hide more than it says."""

Box = tuple[float, float, float, float]  # left, bottom, right, top
Point = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """Where a label begins, at the height of its middle, in pixels from the lower left corner.

    ``leader`` is a line from its point to it, where the two are not side by side.
    """

    x: float
    y: float
    leader: tuple[Point, Point] | None = None


def place_labels(
    words: Sequence[str],
    points: Sequence[Point],
    marks: Sequence[Point],
    size: Point,
) -> list[Place | None]:
    """Return the place of each label; None for one that finds none.

    Parameters
    ----------
    words : sequence of str
        The labels, the most important first.
    points : sequence of (float, float)
        What each is a label of, in pixels from the lower left corner.
    marks : sequence of (float, float)
        Everything that is drawn.
    size : (float, float)
        Width and height of the frame in pixels.
    """
    taken: list[Box] = []
    places: list[Place | None] = []
    for word, (x, y) in zip(words, points, strict=True):
        width = _CHARACTER * len(word)
        free = [
            box
            for distance in (_NEAR, _FAR)
            for box in _around(x, y, width, distance)
            if box[0] >= 0 and box[1] >= 0 and box[2] <= size[0] and box[3] <= size[1]
            if not any(_overlap(box, other) for other in taken)
        ]
        covered = [sum(_overlap(box, _box_of(mark)) for mark in marks) for box in free]
        if not free or min(covered) > _MOST_COVERED:
            places.append(None)
            continue
        best = free[covered.index(min(covered))]
        taken.append(best)
        places.append(Place(best[0], (best[1] + best[3]) / 2, _leader((x, y), best)))
    return places


def _leader(point: Point, box: Box) -> tuple[Point, Point] | None:
    x, y = point
    end = min(max(x, box[0]), box[2]), min(max(y, box[1] + 3), box[3] - 3)
    length = math.hypot(end[0] - x, end[1] - y)
    if length <= 1.6 * _NEAR:
        return None
    start = 0.8 * _NEAR / length  # off the mark itself
    return (x + (end[0] - x) * start, y + (end[1] - y) * start), end


def _around(x: float, y: float, width: float, distance: float) -> list[Box]:
    """Right, left, above and below, then the corners."""
    half, near = _HEIGHT / 2, 0.7 * distance
    starts = [
        (x + distance, y - half),
        (x - distance - width, y - half),
        (x - width / 2, y + distance),
        (x - width / 2, y - distance - _HEIGHT),
        (x + near, y + near),
        (x - near - width, y + near),
        (x + near, y - near - _HEIGHT),
        (x - near - width, y - near - _HEIGHT),
    ]
    return [(left, bottom, left + width, bottom + _HEIGHT) for left, bottom in starts]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _box_of(mark: Point) -> Box:
    return mark[0] - _MARK, mark[1] - _MARK, mark[0] + _MARK, mark[1] + _MARK
