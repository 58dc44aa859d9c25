import io
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from PIL import Image

from vaekit.errors import InvalidError
from vaekit.plotting import latent_scatter, render, samples, save

FIGURE = samples(np.zeros((4, 1, 8, 8)), "Samples: costs $5, not $6_")


def test_save_writes_one_file_per_format(tmp_path):
    written = save(FIGURE, tmp_path / "deep" / "samples.v2.png", formats=("png", "pdf"))
    assert written == [tmp_path / "deep" / name for name in ("samples.v2.png", "samples.v2.pdf")]
    assert written[1].read_bytes().startswith(b"%PDF")
    with Image.open(written[0]) as picture:
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert picture.size == tuple(np.rint(FIGURE.get_size_inches() * 300).astype(int))


def test_a_dot_in_the_name_is_not_a_suffix(tmp_path):
    assert save(FIGURE, tmp_path / "beta-0.5") == [tmp_path / "beta-0.5.png"]


@pytest.mark.parametrize("format", ["png", "pdf", "svg"])
def test_the_bytes_are_the_same_each_time(format):
    assert render(FIGURE, format) == render(FIGURE, format)


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InvalidError, match="format: expected one of png, pdf, svg, got 'jpg'"):
        save(FIGURE, tmp_path / "samples", formats=("png", "jpg"))
    assert not list(tmp_path.iterdir())


def test_drawing_changes_no_global_setting():
    before = dict(matplotlib.rcParams)
    render(latent_scatter(np.zeros((2, 2)), None, "Latent space"))
    assert dict(matplotlib.rcParams) == before


def test_a_dollar_sign_in_a_title_is_text():
    assert Image.open(io.BytesIO(render(FIGURE))).size[0] > 0
    assert FIGURE.texts[0].get_text() == "Samples: costs $5, not $6_"


def test_figures_import_neither_pyplot_nor_torch():
    code = "import sys, vaekit.plotting; print({'torch', 'matplotlib.pyplot', 'sklearn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
