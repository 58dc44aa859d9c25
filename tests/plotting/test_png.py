import io

import numpy as np
import pytest
from PIL import Image

from vaekit.errors import InvalidError
from vaekit.plotting import animate, grid_png, save_grid
from vaekit.plotting.png import read_grid

IMAGES = np.random.default_rng(0).integers(0, 2, (6, 1, 5, 4)).astype(float)


def test_the_grid_is_exact():
    picture = np.asarray(Image.open(io.BytesIO(grid_png(IMAGES, columns=3, scale=2))))
    assert picture.shape == (2 * 10 + 2, 3 * 8 + 2 * 2)
    assert (picture[12:, 10:18] == (IMAGES[4, 0] * 255).repeat(2, 0).repeat(2, 1)).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_written_grid_can_be_read_again(channels, tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (6, channels, 5, 4)) / 255
    file = save_grid(levels, tmp_path / "grid.png", columns=3, caption="epoch 1")
    found = read_grid(file, (channels, 5, 4), 3)
    assert found == pytest.approx(levels[:3])


def test_a_grid_of_other_images_is_refused(tmp_path):
    file = save_grid(IMAGES, tmp_path / "grid.png", columns=3)
    with pytest.raises(
        InvalidError, match=r"grid\.png: expected a grid with 4 images of 5 x 4 pixels per row"
    ):
        read_grid(file, (1, 5, 4), 4)


def test_color_stays_color():
    assert Image.open(io.BytesIO(grid_png(np.zeros((2, 3, 4, 4))))).mode == "RGB"


def test_the_caption_is_below_the_grid():
    plain, named = (
        np.asarray(Image.open(io.BytesIO(grid_png(IMAGES.repeat(9, 3), caption=caption))))
        for caption in ("", "epoch 7")
    )
    assert named.shape == (plain.shape[0] + 20, plain.shape[1])
    assert (named[: len(plain)] == plain).all()
    assert (named[len(plain) :] < 100).any()


def test_a_caption_wider_than_the_grid_is_not_cut():
    assert Image.open(io.BytesIO(grid_png(IMAGES[:1], caption="epoch 1000 of 2000"))).width > 100


def test_an_animation_pauses_at_its_last_frame(tmp_path):
    frames = [save_grid(IMAGES * step / 5, tmp_path / f"{step}.png") for step in range(6)]
    path = animate(frames, tmp_path / "progress.gif", milliseconds=100)
    with Image.open(path) as film:
        durations = []
        for index in range(film.n_frames):
            film.seek(index)
            durations.append(film.info["duration"])
    assert durations == [100] * 5 + [2000]
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".gif"] + [".png"] * 6


def test_one_frame_is_an_animation_too(tmp_path):
    path = animate([save_grid(IMAGES, tmp_path / "1.png")], tmp_path / "progress.gif")
    with Image.open(path) as film:
        assert film.n_frames == 1


def test_many_frames_are_thinned_and_keep_the_first_and_the_last(tmp_path):
    shades = np.linspace(0, 1, 30)
    frames = [save_grid(np.full((1, 1, 4, 4), shade), tmp_path / f"{shade}.png") for shade in shades]
    with Image.open(animate(frames, tmp_path / "progress.gif", max_frames=4)) as film:
        assert film.n_frames == 4
        assert film.convert("L").getpixel((0, 0)) == 0
        film.seek(3)
        assert film.convert("L").getpixel((0, 0)) == 255


def test_no_frame_and_a_broken_frame_are_refused(tmp_path):
    with pytest.raises(InvalidError, match="expected at least one image to animate"):
        animate([], tmp_path / "progress.gif")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(InvalidError, match=r"broken\.png: expected an image, got a file that cannot be read"):
        animate([tmp_path / "broken.png"], tmp_path / "progress.gif")
    assert not (tmp_path / "progress.gif").exists()
