"""Labels beside points, placed so that they cover nothing and each is seen to be of its own point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from weightscope_widget.visualizers.chart import FloatArray

__all__ = ["Box", "Place", "Point", "place_labels", "width_of"]

_HEIGHT, _CHARACTER = 14.0, 6.2
"""Pixels of the type that both drawings use."""
_NEAR, _LED = 9.0, 12.0
"""A label is at least so far from its point, and has a leader if it is further away than so."""
_DISTANCES = (_NEAR, 16.0, 24.0, 34.0, 46.0, 62.0, 82.0, 106.0, 134.0)
_DIRECTIONS = tuple(math.radians(30 * step) for step in (0, 6, 3, 9, 1, 5, 11, 7, 2, 4, 10, 8))
"""Right, left, above and below, then between them."""
_MARK, _OFF = 4.0, 6.0
"""How far a mark reaches, and where its leader begins."""
_SAME = 1.0
"""Marks nearer than this are seen as one."""

_ROUNDS, _CROWD = 2, 30.0
"""How often labels are placed, and how near to each other marks are a crowd."""
_SHARES = tuple(step / 20 for step in range(21))

# What is bad about a place, in the pixels that a label would rather be further away.
_COVERED, _CROSSED, _MISTAKEN, _RULED, _WRONG = 200.0, 200.0, 90.0, 40.0, 1e4

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""
Point = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """Where a label is, at the height of its middle, in pixels from the lower left corner.

    Attributes
    ----------
    x, y : float
        Where it begins, or where it ends.
    align : {"start", "end"}
        Which of both: the end that is next to its point, wherever the type of a drawing is wider.
    leader : pair of points or None
        A line from its point to it, where the two are not side by side.
    """

    x: float
    y: float
    align: Literal["start", "end"] = "start"
    leader: tuple[Point, Point] | None = None


def width_of(word: str) -> float:
    """Return how wide a label is, in pixels."""
    return _CHARACTER * len(word)


def place_labels(
    words: Sequence[str],
    points: Sequence[Point],
    marks: Sequence[Point],
    size: Point,
    *,
    taken: Sequence[Box] = (),
    rules: Sequence[Box] = (),
) -> list[Place | None]:
    """Return the place of each label; None for one that is too large for the frame or finds it full.

    Parameters
    ----------
    words : sequence of str
        The labels.
    points : sequence of (float, float)
        What each is a label of, in pixels from the lower left corner.
    marks : sequence of (float, float)
        Every point that is drawn.
    size : (float, float)
        Width and height of the frame in pixels.
    taken : sequence of Box
        Where other words stand already.
    rules : sequence of Box
        Lines that a label would rather not lie on.
    """
    others = np.array(marks, dtype=np.float64).reshape(-1, 2)
    boxes: list[Box | None] = [None] * len(words)
    # Where it is narrow first; then again, so that those make way for the others.
    crowds = [int((np.hypot(*(others - point).T) < _CROWD).sum()) for point in points]
    for _ in range(_ROUNDS):
        for index in sorted(range(len(words)), key=crowds.__getitem__, reverse=True):
            boxes[index] = None
            placed = [(box, at) for box, at in zip(boxes, points, strict=True) if box is not None]
            occupied = [*taken, *(box for box, _ in placed)]
            leaders = [leader for box, at in placed if (leader := _leader(at, box)) is not None]
            boxes[index] = _best(width_of(words[index]), points[index], others, size, occupied, leaders, rules)
    return [None if box is None else _place(box, point) for box, point in zip(boxes, points, strict=True)]


def _best(
    width: float,
    point: Point,
    marks: FloatArray,
    size: Point,
    occupied: list[Box],
    leaders: list[tuple[Point, Point]],
    rules: Sequence[Box],
) -> Box | None:
    """Return the best box for a label, given the others; None where there is no room."""
    boxes = _free(_around(point, width), size, occupied)
    if not len(boxes):
        boxes = _free(_everywhere(width, size), size, occupied)
    if not len(boxes):
        return None
    others = marks[np.hypot(*(marks - point).T) > _SAME]
    # Of places as far away, the earlier.
    costs = [
        _cost(box, point, others, rules, occupied, leaders) + order / 10 for order, box in enumerate(boxes.tolist())
    ]
    left, bottom, right, top = boxes[int(np.argmin(costs))].tolist()
    return left, bottom, right, top


def _place(box: Box, point: Point) -> Place:
    left = box[2] <= point[0]
    return Place(box[2] if left else box[0], (box[1] + box[3]) / 2, "end" if left else "start", _leader(point, box))


def _around(point: Point, width: float) -> FloatArray:
    """Return boxes around a point, at growing distances."""
    boxes = []
    for distance in _DISTANCES:
        for angle in _DIRECTIONS:
            across, upwards = round(math.cos(angle), 9), round(math.sin(angle), 9)
            # Which part of the box is in that direction: an end, or its middle straight above and below.
            left = point[0] + distance * across - (width / 2 if across == 0 else width * (across < 0))
            middle = point[1] + (distance + _HEIGHT / 2) * upwards
            boxes.append((left, middle - _HEIGHT / 2, left + width, middle + _HEIGHT / 2))
    return np.array(boxes)


def _everywhere(width: float, size: Point) -> FloatArray:
    left, bottom = np.meshgrid(np.arange(0, size[0] - width, _HEIGHT), np.arange(0, size[1] - _HEIGHT, _HEIGHT))
    return np.stack([left, bottom, left + width, bottom + _HEIGHT], axis=-1).reshape(-1, 4)


def _free(boxes: FloatArray, size: Point, occupied: Sequence[Box]) -> FloatArray:
    """Return the boxes that lie in the frame and on no other."""
    left, bottom, right, top = boxes.T
    free = (left >= 0) & (bottom >= 0) & (right <= size[0]) & (top <= size[1])
    for other in occupied:
        free &= (left >= other[2]) | (other[0] >= right) | (bottom >= other[3]) | (other[1] >= top)
    found: FloatArray = boxes[free]
    return found


def _cost(
    box: Box,
    point: Point,
    others: FloatArray,
    rules: Sequence[Box],
    occupied: Sequence[Box],
    leaders: Sequence[tuple[Point, Point]],
) -> float:
    """Return how bad a place is: what it covers, and what could be taken for the point that it is of."""
    own = math.dist(point, _nearest(box, point))
    distances = _distances(box, others)
    cost = (
        max(own, _NEAR)
        + _COVERED * float((distances < _MARK).sum())
        + _RULED * sum(_overlap(box, rule) for rule in rules)
    )
    cost += _CROSSED * sum(_meets(*each, box) for each in leaders)
    # Without a leader the nearest mark is what a label names; with one, what it touches still misleads.
    leader = _leader(point, box)
    if leader is None:
        return cost + _MISTAKEN * float((distances < 2 * own).any()) + _WRONG * float((distances <= own).any())
    cost += _MISTAKEN * float((distances < _NEAR).any()) + _CROSSED * sum(_meets(*leader, other) for other in occupied)
    cost += _CROSSED * sum(_cross(leader, other) for other in leaders)
    return cost + _CROSSED * float((_distances_to_line(*leader, others) < _MARK + 1).sum())


def _leader(point: Point, box: Box) -> tuple[Point, Point] | None:
    end = _nearest((box[0], box[1] + 1, box[2], box[3] - 1), point)
    length = math.dist(point, end)
    if length <= _LED:
        return None
    start = _OFF / length
    return (point[0] + (end[0] - point[0]) * start, point[1] + (end[1] - point[1]) * start), end


def _nearest(box: Box, point: Point) -> Point:
    return min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3])


def _distances(box: Box, points: FloatArray) -> FloatArray:
    found: FloatArray = np.hypot(*(points - np.clip(points, box[:2], box[2:])).T)
    return found


def _distances_to_line(start: Point, end: Point, points: FloatArray) -> FloatArray:
    along = np.subtract(end, start)
    share = np.clip((points - start) @ along / (along @ along), 0, 1)
    found: FloatArray = np.hypot(*(points - start - share[:, None] * along).T)
    return found


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _meets(start: Point, end: Point, box: Box) -> bool:
    """Whether a line runs through a box, by enough of its points."""
    return any(
        box[0] < start[0] + (end[0] - start[0]) * share < box[2]
        and box[1] < start[1] + (end[1] - start[1]) * share < box[3]
        for share in _SHARES
    )


def _cross(a: tuple[Point, Point], b: tuple[Point, Point]) -> bool:
    def side(line: tuple[Point, Point], point: Point) -> float:
        (x, y), (u, v) = line
        return (u - x) * (point[1] - y) - (v - y) * (point[0] - x)

    return side(a, b[0]) * side(a, b[1]) < 0 and side(b, a[0]) * side(b, a[1]) < 0
