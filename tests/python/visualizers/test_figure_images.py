"""Image files beside reviewed references.

After an intended change, ``WEIGHTSCOPE_NEW_REFERENCES=1 pytest tests/python/visualizers/test_figure_images.py`` draws
references anew; look at each before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from tests.python.support.figure_cases import results
from tests.python.visualizers.test_figure_drawings import CONTENTS
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers.render.matplotlib import write_image

__all__ = ["results"]  # a fixture

REFERENCES = Path(__file__).parent / "figure_references"
DRAWN_BY = "3.11"
"""The matplotlib of the references; another one sets type and spaces otherwise, which makes a difference of 8 to 24."""

TOLERANCE = 0.6
"""Root mean square difference, of 255.

The references' few colours make up 0.1 to 0.3; one line less gives 1.4 and more, one label of a line 0.7.
matplotlib brings its own font and its own font renderer, so that the system makes none."""


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((image.width // 2, image.height // 2)), dtype=np.float64)


@pytest.mark.parametrize(("name", "scheme"), [*((name, "light") for name in CONTENTS), ("health_dashboard", "dark")])
def test_looks_as_reviewed(results: ScanResults, tmp_path: Path, name: str, scheme: str) -> None:
    if not mpl.__version__.startswith(f"{DRAWN_BY}."):
        pytest.skip(f"The references were drawn by matplotlib {DRAWN_BY}; this is {mpl.__version__}.")
    reference = REFERENCES / f"{name}{'_dark' if scheme == 'dark' else ''}.png"
    drawn = tmp_path / reference.name
    write_image(CONTENTS[name](results), drawn, scheme)  # type: ignore[arg-type]
    if os.environ.get("WEIGHTSCOPE_NEW_REFERENCES"):
        REFERENCES.mkdir(exist_ok=True)
        with Image.open(drawn) as image:
            image.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(reference, optimize=True)
        return
    expected, found = pixels(reference), pixels(drawn)
    assert found.shape == expected.shape
    assert np.sqrt(np.mean((found - expected) ** 2)) < TOLERANCE
