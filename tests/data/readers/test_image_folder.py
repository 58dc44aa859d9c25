from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaekit.data.readers import guard, image
from vaekit.data.readers.image_folder import ImageOptions, read_image_folder
from vaekit.data.readers.raw import RawData
from vaekit.errors import DataError

COLORS = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)
GRAYS = COLORS[..., 0].copy()


def save(path: Path, pixels: np.ndarray = COLORS, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def read(folder: Path, **framing: object) -> RawData:
    return read_image_folder(folder, ImageOptions(**framing))


def test_images_of_one_size_are_not_changed(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "b.bmp", 255 - COLORS)
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.values, [COLORS, 255 - COLORS])
    assert raw.labels is None
    assert raw.notes == ("all images have 7x9 pixels",)


def test_gray_images_have_one_channel_however_stored(tmp_path: Path) -> None:
    save(tmp_path / "a.png", GRAYS)
    np.testing.assert_array_equal(read(tmp_path).values, GRAYS[None])
    save(tmp_path / "b.png", np.stack([GRAYS] * 3, axis=2))
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.values, [GRAYS, GRAYS])
    assert "all images are gray, though stored in color" in raw.notes
    save(tmp_path / "c.png")
    assert read(tmp_path).values.shape == (3, 7, 9, 3)


def test_color_is_converted_on_request(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    expected = np.asarray(Image.fromarray(COLORS).convert("L"))
    np.testing.assert_array_equal(read(tmp_path, color="gray").values[0], expected)
    save(tmp_path / "a.png", GRAYS)
    assert read(tmp_path, color="rgb").values.shape == (1, 7, 9, 3)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "CMYK"])
def test_every_image_mode_is_read(tmp_path: Path, mode: str) -> None:
    Image.fromarray(COLORS).convert(mode).save(tmp_path / ("a.tif" if mode == "CMYK" else "a.png"))
    assert read(tmp_path, color="rgb").values.shape == (1, 7, 9, 3)


def test_sixteen_bits_keep_their_upper_byte(tmp_path: Path) -> None:
    save(tmp_path / "a.png", GRAYS.astype(np.uint16) * 256 + 77)
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.values[0], GRAYS)
    assert "16-bit images were reduced to 8 bits" in raw.notes


def test_transparent_pixels_become_white(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = 10, 20, 30, 255
    pixels[0, 1] = 0, 0, 0, 51
    save(tmp_path / "a.png", pixels)
    assert read(tmp_path, color="rgb").values[0].tolist() == [
        [[10, 20, 30], [204, 204, 204]],
        [[255, 255, 255], [255, 255, 255]],
    ]


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path).values[0], np.rot90(COLORS, -1))


def test_images_of_several_sizes_are_resized_to_the_median(tmp_path: Path) -> None:
    for index, (height, width) in enumerate([(5, 100), (7, 200), (9, 300)]):
        save(tmp_path / f"{index}.png", np.full((height, width, 3), (index * 50, 9, 9), np.uint8))
    raw = read(tmp_path)
    assert raw.values.shape == (3, 7, 64, 3)
    assert raw.notes == ("images of 3 sizes, made 7x64 (their median, at most 64)",)


def test_center_crops_and_resize_changes_the_aspect_ratio(tmp_path: Path) -> None:
    pixels = np.zeros((4, 12, 3), np.uint8)
    pixels[:, 4:8] = 200, 100, 50
    save(tmp_path / "a.png", pixels)
    assert (read(tmp_path, size=(4, 4), crop="center").values[0] == (200, 100, 50)).all()
    assert (read(tmp_path, size=(4, 4)).values[0] != (200, 100, 50)).any()


def test_sub_folders_are_labels_in_natural_order(tmp_path: Path) -> None:
    for label in ("10", "9"):
        for name in ("image10", "image2"):
            save(tmp_path / label / f"{name}.png", GRAYS if name == "image2" else 255 - GRAYS)
    raw = read(tmp_path)
    assert raw.labels is not None
    assert raw.labels.tolist() == ["9", "9", "10", "10"]
    np.testing.assert_array_equal(raw.values, [GRAYS, 255 - GRAYS] * 2)


@pytest.mark.parametrize("inner", ["", "cat/"])
def test_folders_called_train_and_test_are_parts(tmp_path: Path, inner: str) -> None:
    for part, count in (("test", 1), ("Training", 3), ("val", 2)):
        for index in range(count):
            save(tmp_path / part / f"{inner}{index}.png")
    raw = read(tmp_path)
    assert raw.published == {"train": (0, 3), "validation": (3, 5), "test": (5, 6)}
    assert (raw.labels is None) == (inner == "")


def test_other_files_are_skipped_with_a_note(tmp_path: Path) -> None:
    for index in range(3):
        save(tmp_path / f"{index}.png")
    for name in (".DS_Store", "Thumbs.db", "notes.txt"):
        (tmp_path / name).write_text("no image")
    raw = read(tmp_path)
    assert len(raw.values) == 3
    assert "files skipped because they are not images: 1, such as notes.txt" in raw.notes


def test_empty_or_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 images among 0 files; expected a folder of images"):
        read(tmp_path)
    (tmp_path / "table.csv").write_text("1,2")
    (tmp_path / "more.csv").write_text("1,2")
    save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"1 images among 3 files, such as more\.csv"):
        read(tmp_path)


def test_images_beside_sub_folders_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "cat" / "b.png")
    with pytest.raises(DataError, match=r"different depths, such as a\.png and cat/b\.png"):
        read(tmp_path)


def test_images_beside_parts_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "train" / "b.png")
    with pytest.raises(DataError, match="different depths"):
        read(tmp_path)


def test_parts_need_a_training_part(tmp_path: Path) -> None:
    save(tmp_path / "test" / "b.png")
    with pytest.raises(DataError, match="expected a part train"):
        read(tmp_path)


def test_deeper_folders_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a" / "b" / "c.png")
    with pytest.raises(DataError, match="this one lies deeper"):
        read(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".tif", ".bmp", ".webp"])
def test_a_damaged_image_is_named(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / f"a{suffix}")
    content = (tmp_path / f"a{suffix}").read_bytes()
    for damaged in (b"", b"hello", content[: len(content) // 2]):
        (tmp_path / f"b{suffix}").write_bytes(damaged)
        with pytest.raises(DataError, match=f"b{suffix}: cannot be read as an image"):
            read(tmp_path, size=(7, 9))


def test_an_image_above_the_pixel_limit_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.png")
    monkeypatch.setattr(image, "MAX_PIXELS", 62)
    with pytest.raises(DataError, match=r"a\.png: has 9x7 pixels, more than the limit of 62 pixels"):
        read(tmp_path)


def test_a_header_of_billions_of_pixels_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(GRAYS).save(stream, "BMP")
    content = bytearray(stream.getvalue())
    content[18:26] = (60_000).to_bytes(4, "little") * 2
    (tmp_path / "a.bmp").write_bytes(content)
    with pytest.raises(DataError, match="has far more than the limit of 50,000,000 pixels"):
        read(tmp_path)


def test_a_folder_too_large_for_memory_proposes_smaller_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.png")
    monkeypatch.setattr(guard, "_half_of_memory", lambda: 100)
    with pytest.raises(DataError, match="more than half of this machine's memory"):
        read(tmp_path)


def test_images_of_real_numbers_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((3, 3), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"real numbers for pixels; save such images as one \.npy"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("framing", "says"),
    [
        ({"size": (0, 4)}, r"size: expected height and width .* got \(0, 4\)"),
        ({"crop": "left"}, "crop: expected one of resize, center, got 'left'"),
        ({"color": "blue"}, "color: expected one of auto, gray, rgb"),
    ],
)
def test_image_options_are_checked(framing: dict[str, object], says: str) -> None:
    with pytest.raises(DataError, match=says):
        ImageOptions(**framing)
