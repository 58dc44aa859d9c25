from __future__ import annotations

import io
import os
import socket
import zlib
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


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_are_kept(tmp_path: Path, suffix: str) -> None:
    deep = GRAYS.astype(np.uint16) * 256 + 77
    save(tmp_path / f"a.{suffix}", deep)
    np.testing.assert_array_equal(read(tmp_path).values[0], deep)
    save(tmp_path / f"b.{suffix}", 65535 - deep)
    np.testing.assert_array_equal(read(tmp_path).values, [deep, 65535 - deep])


def test_sixteen_bits_are_resized_within_their_range(tmp_path: Path) -> None:
    deep = np.where(np.arange(40) < 20, 100, 60_000).astype(np.uint16) * np.ones((40, 1), np.uint16)
    save(tmp_path / "a.png", deep)
    small = read(tmp_path, size=(10, 10)).values[0]
    assert small.dtype == np.uint16
    assert (small.min(), small.max()) == (100, 60_000)
    assert small.mean() == pytest.approx(deep.mean(), rel=1e-3)


def test_eight_bits_among_sixteen_are_brought_to_their_range(tmp_path: Path) -> None:
    save(tmp_path / "a.png", GRAYS)
    save(tmp_path / "b.png", GRAYS.astype(np.uint16) * 256 + 77)
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.values, [GRAYS * 257.0, GRAYS * 256.0 + 77])
    assert "8-bit images among 16-bit images: their levels were multiplied by 257" in raw.notes


def test_real_numbers_are_kept(tmp_path: Path) -> None:
    reals = np.random.default_rng(0).normal(300, 40, (7, 9)).astype(np.float32)
    save(tmp_path / "a.tif", reals)
    np.testing.assert_array_equal(read(tmp_path).values, reals[None])


def test_sixteen_bit_color_that_loses_bits_is_said(tmp_path: Path) -> None:
    content = COLORS.astype(">u2") * 257
    rows = b"".join(b"\0" + row.tobytes() for row in content)
    chunks = (
        (b"IHDR", (9).to_bytes(4, "big") + (7).to_bytes(4, "big") + bytes([16, 2, 0, 0, 0])),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    (tmp_path / "a.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
            for kind, data in chunks
        )
    )
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.values[0], COLORS)
    assert any(note.startswith("16-bit color reduced to 8 bits") for note in raw.notes)


def test_transparent_pixels_become_white(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, 0] = 10, 20, 30, 255
    pixels[0, 1] = 0, 0, 0, 51
    save(tmp_path / "a.png", pixels)
    assert read(tmp_path, color="rgb").values[0].tolist() == [
        [[10, 20, 30], [204, 204, 204]],
        [[255, 255, 255], [255, 255, 255]],
    ]


def test_transparency_and_inks_are_said(tmp_path: Path) -> None:
    Image.fromarray(COLORS).convert("RGBA").save(tmp_path / "a.png")
    Image.fromarray(COLORS).convert("CMYK").save(tmp_path / "b.tif")
    notes = read(tmp_path).notes
    assert "transparency put over white: 1 (a.png)" in notes
    assert "CMYK converted to RGB: 1 (b.tif)" in notes


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
    assert raw.kind == "image"
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
    assert "files skipped because they are not images: 1 (notes.txt)" in raw.notes


def test_empty_or_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="0 images among 0 files; expected a folder of images"):
        read(tmp_path)
    (tmp_path / "table.csv").write_text("1,2")
    (tmp_path / "more.csv").write_text("1,2")
    save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"1 images among 3 files, such as more\.csv"):
        read(tmp_path)


def test_images_beside_sub_folders_are_read_without_labels(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "cat" / "b.png")
    raw = read(tmp_path)
    assert raw.files == ("a.png", "cat/b.png")
    assert raw.labels is None
    assert "no labels: 1 images lie beside the folders, and 1 in them" in raw.notes


def test_images_beside_parts_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "train" / "b.png")
    with pytest.raises(DataError, match="different depths"):
        read(tmp_path)


def test_parts_need_a_training_part(tmp_path: Path) -> None:
    save(tmp_path / "test" / "b.png")
    with pytest.raises(DataError, match="expected a part train"):
        read(tmp_path)


def test_labels_are_the_first_level_of_deeper_folders(tmp_path: Path) -> None:
    save(tmp_path / "a" / "b" / "c.png")
    save(tmp_path / "a" / "d.png")
    save(tmp_path / "e" / "f.png")
    raw = read(tmp_path)
    assert raw.files == ("a/d.png", "a/b/c.png", "e/f.png")
    assert raw.labels is not None
    assert raw.labels.tolist() == ["a", "a", "e"]
    assert "1 images lie deeper than one folder; labels are the first level of folders" in raw.notes


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".tif", ".bmp", ".webp"])
def test_a_damaged_image_is_named(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / f"a{suffix}")
    content = (tmp_path / f"a{suffix}").read_bytes()
    for damaged in (b"hello", content[: len(content) // 2]):
        (tmp_path / f"b{suffix}").write_bytes(damaged)
        raw = read(tmp_path, size=(7, 9))
        assert raw.files == (f"a{suffix}",)
        assert raw.notes[-1].startswith(f"1 of 2 images skipped because they cannot be read: b{suffix} (")
        with pytest.raises(DataError, match=f"b{suffix}: cannot be read as an image"):
            read(tmp_path, size=(7, 9), strict=True)


def test_an_image_above_the_pixel_limit_is_refused_by_its_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.png")
    monkeypatch.setattr(image, "MAX_PIXELS", 62)
    with pytest.raises(DataError, match=r"a\.png: has 9x7 pixels, more than the limit of 62 pixels"):
        read(tmp_path, strict=True)
    save(tmp_path / "b.png", COLORS[:2])
    assert "a.png (has 9x7 pixels, more than the limit of 62 pixels)" in read(tmp_path).notes[-1]


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


def frames(count: int) -> list[Image.Image]:
    return [Image.fromarray(np.roll(GRAYS, index, 0)) for index in range(count)]


@pytest.mark.parametrize("suffix", ["tif", "gif", "png", "webp"])
def test_every_page_is_an_image(tmp_path: Path, suffix: str) -> None:
    first, *others = frames(3)
    options = {"lossless": True} if suffix == "webp" else {}
    first.save(tmp_path / f"stack.{suffix}", save_all=True, append_images=others, **options)
    save(tmp_path / f"z.{suffix}", GRAYS, **options)
    raw = read(tmp_path, color="gray")
    assert raw.files == (*(f"stack.{suffix}#{page}" for page in (1, 2, 3)), f"z.{suffix}")
    np.testing.assert_array_equal(raw.values, [*map(np.asarray, frames(3)), GRAYS])
    note = f"every page of a file is an image; files of several pages: 1 (stack.{suffix})"
    assert note in raw.notes


def test_smaller_versions_within_a_file_are_no_images(tmp_path: Path) -> None:
    first, second = frames(2)
    second.encoderinfo = {"tiffinfo": {254: 1}}
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    with Image.open(tmp_path / "a.tif") as opened:
        opened.seek(1)
        assert opened.tag_v2[254] == 1
    assert len(read(tmp_path).values) == 1


def test_damaged_pages_leave_out_their_file(tmp_path: Path) -> None:
    first, *others = frames(3)
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    save(tmp_path / "b.tif", GRAYS)
    content = bytearray((tmp_path / "a.tif").read_bytes())
    (tmp_path / "a.tif").write_bytes(content[: len(content) - 40])
    raw = read(tmp_path)
    assert raw.files == ("b.tif",)
    assert "1 of 2 images skipped" in raw.notes[-1]


def test_photographs_of_one_size_are_brought_to_a_stated_one(tmp_path: Path) -> None:
    large = np.zeros((300, 400, 3), np.uint8)
    large[:, 200:] = 250, 10, 60
    for name in ("a.jpg", "b.png"):
        save(tmp_path / name, large)
    raw = read(tmp_path)
    assert raw.values.shape == (2, 96, 128, 3)
    assert raw.notes[0] == (
        "all images have 300x400 pixels, made 96x128 (a longer side of at most 128); "
        "data.size=[300,400] keeps their size"
    )
    assert np.abs(raw.values[:, 48, 20].astype(int)).max() < 8
    assert np.abs(raw.values[:, 48, 110].astype(int) - (250, 10, 60)).max() < 8
    assert read(tmp_path, size=(300, 400)).values.shape == (2, 300, 400, 3)


def test_pipes_sockets_links_and_hidden_or_empty_files_are_said(tmp_path: Path) -> None:
    save(tmp_path / "b" / "a.png")
    save(tmp_path / "elsewhere" / "c.png")
    folder = tmp_path / "b"
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(folder)
        server.bind("s.png")
        os.chdir(here)
        (folder / "circle").symlink_to(folder)
        (folder / "gone.png").symlink_to(folder / "nothing")
        (folder / "other").symlink_to(tmp_path / "elsewhere")
        (folder / ".hidden.png").write_bytes(b"x")
        (folder / "empty.png").write_bytes(b"")
        raw = read(folder)
    assert raw.files == ("a.png", "other/c.png")
    for note in (
        "pipes, sockets and devices skipped: 2 (pipe.png, s.png)",
        "links to nothing skipped: 1 (gone.png)",
        "links to folders that are read already skipped: 1 (circle)",
        "hidden files skipped: 1 (.hidden.png)",
        "empty files skipped: 1 (empty.png)",
    ):
        assert note in raw.notes


def test_formats_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "b.HEIC").write_bytes(b"ftypheic")
    assert "b.HEIC (HEIC images cannot be read)" in read(tmp_path).notes[-1]
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match=r"0 images among 1 files; .* b\.HEIC \(HEIC images cannot be read\)"):
        read(tmp_path)


def test_tiff_files_of_other_bands_and_bits(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    rng = np.random.default_rng(0)
    for name, values in {
        "bands": rng.integers(0, 256, (7, 9, 5), dtype=np.uint8),
        "infrared": rng.integers(0, 256, (7, 9, 4), dtype=np.uint8),
        "deep": rng.integers(0, 65536, (7, 9, 3), dtype=np.uint16),
        "real": rng.random((7, 9, 3), dtype=np.float32),
    }.items():
        photometric = "rgb" if values.shape[2] == 3 else "minisblack"
        (tmp_path / name).mkdir()
        for index in range(2):
            file = tmp_path / name / f"{index}.tif"
            tifffile.imwrite(
                file,
                values + np.ones(1, values.dtype) * index,
                photometric=photometric,
                planarconfig="contig",
            )
        raw = read(tmp_path / name)
        assert raw.values.dtype == values.dtype
        np.testing.assert_array_equal(raw.values[0], values)
    assert read(tmp_path / "bands", size=(4, 4)).values.shape == (2, 4, 4, 5)
    save(tmp_path / "bands" / "color.png")
    assert "color.png (it has 3 bands, but most have 5)" in read(tmp_path / "bands").notes[-1]


def test_bands_beyond_pillow_ask_for_tifffile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile = pytest.importorskip("tifffile")
    values = np.zeros((7, 9, 5), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", planarconfig="contig")
    tifffile.imwrite(tmp_path / "b.tif", values[..., :3].astype(np.uint16) + 300, photometric="rgb")
    monkeypatch.setattr(image, "_tifffile", lambda: None)
    notes = read(tmp_path).notes
    assert any("a.tif (needs tifffile, which is not installed)" in note for note in notes)
    assert any(note.startswith("read by 8 bits of at most 3 bands") for note in notes)


def test_one_folder_around_the_folders_of_classes_is_no_class(tmp_path: Path) -> None:
    save(tmp_path / "animals" / "cats" / "a.png")
    save(tmp_path / "animals" / "dogs" / "b.png", 255 - COLORS)
    labels = read(tmp_path).labels
    assert labels is not None
    assert labels.tolist() == ["cats", "dogs"]
    save(tmp_path / "animals" / "c.png")
    labels = read(tmp_path).labels
    assert labels is not None
    assert set(labels.tolist()) == {"animals"}
