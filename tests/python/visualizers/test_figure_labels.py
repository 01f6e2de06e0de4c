"""Labels beside points: none covers another, each is seen to be of its own point."""

from __future__ import annotations

import math

import numpy as np
import pytest

from weightscope_widget.visualizers.labels import Box, Place, place_labels, width_of

SIZE = (900.0, 400.0)
HEIGHT = 14.0


def box_of(word: str, place: Place) -> Box:
    left = place.x if place.align == "start" else place.x - width_of(word)
    return left, place.y - HEIGHT / 2, left + width_of(word), place.y + HEIGHT / 2


def apart(a: Box, b: Box) -> bool:
    near = 1e-6  # of rounding
    return a[2] <= b[0] + near or b[2] <= a[0] + near or a[3] <= b[1] + near or b[3] <= a[1] + near


def distance(box: Box, point: tuple[float, float]) -> float:
    nearest = min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3])
    return math.dist(nearest, point)


def crowd(seed: int, count: int) -> list[tuple[float, float]]:
    """Return points of which most lie close together, as layers do."""
    draw = np.random.default_rng(seed)
    places = draw.normal((300, 200), (90, 60), (count, 2)).clip((5, 5), (895, 395))
    return [(float(x), float(y)) for x, y in places]


@pytest.mark.slow
@pytest.mark.parametrize("count", [12, 60, 400, 3000])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_all_are_placed_in_the_frame_and_apart(seed: int, count: int) -> None:
    marks = crowd(seed, count)
    words = [f"layers.{index}.self_attn.q_proj" for index in range(12)]
    taken = [(700.0, 380.0, 900.0, 400.0)]
    places = place_labels(words, marks[:12], marks, SIZE, taken=taken)
    boxes = [box_of(word, place) for word, place in zip(words, places, strict=True) if place is not None]
    assert len(boxes) == 12
    for index, box in enumerate(boxes):
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[2] <= SIZE[0]
        assert box[3] <= SIZE[1]
        assert all(apart(box, other) for other in [*boxes[index + 1 :], *taken])


@pytest.mark.parametrize("seed", range(8))
def test_a_label_without_a_leader_is_beside_no_other_point(seed: int) -> None:
    marks = crowd(seed, 50)
    words = [f"h{index}.attn.c_proj" for index in range(12)]
    for word, place, own in zip(words, place_labels(words, marks[:12], marks, SIZE), marks, strict=False):
        assert place is not None
        if place.leader is None:
            box = box_of(word, place)
            assert all(distance(box, own) < distance(box, other) for other in marks if other != own), word
        else:
            start, end = place.leader
            assert math.dist(start, own) == pytest.approx(6)
            assert distance(box_of(word, place), end) == pytest.approx(0, abs=1e-6)


def test_a_point_by_itself_has_its_label_at_its_right() -> None:
    (place,) = place_labels(["wte"], [(450.0, 200.0)], [(450.0, 200.0)], SIZE)
    assert place == Place(459.0, 200.0)


def test_a_label_stays_off_lines_where_it_can() -> None:
    point = (450.0, 200.0)
    (place,) = place_labels(["word_embeddings"], [point], [point], SIZE, rules=[(479.0, 0.0, 481.0, 400.0)])
    assert place is not None
    left, _, right, _ = box_of("word_embeddings", place)
    assert right <= 479 or left >= 481


def test_what_is_wider_than_the_frame_has_no_place() -> None:
    points = [(9.0, 9.0), (50.0, 50.0)]
    assert place_labels(["w" * 200, "wte"], points, points, SIZE) == [None, Place(59.0, 50.0)]
