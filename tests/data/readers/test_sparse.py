"""Sparse tables: the same counts from .npz, .mtx and .h5ad, with the names of genes and cells."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.io import mmwrite

from vaekit.data import load_dataset
from vaekit.data.readers import guard
from vaekit.data.readers.sparse import read_h5ad, read_matrix_market, read_sparse_npz
from vaekit.errors import DataError, VaekitError

COUNTS = np.random.default_rng(0).poisson(0.4, (30, 12))
GENES = tuple(f"GENE{j}" for j in range(12))
CELLS = tuple(f"CELL-{i}" for i in range(30))


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array])
def test_a_sparse_npz_is_a_table_of_counts(tmp_path: Path, kind: Any) -> None:
    sparse.save_npz(tmp_path / "x.npz", kind(COUNTS))
    data = load_dataset(tmp_path / "x.npz")
    np.testing.assert_array_equal(data.images, COUNTS)
    assert {column.kind for column in data.columns} == {"count"}
    assert [column.name for column in data.columns[:2]] == ["x0", "x1"]
    assert f"30 rows of 12 columns: counts, {np.mean(COUNTS == 0):.0%} of them zero" in data.notes


def test_real_numbers_are_no_counts(tmp_path: Path) -> None:
    sparse.save_npz(tmp_path / "x.npz", sparse.csr_matrix(np.log1p(COUNTS)))
    raw = read_sparse_npz(tmp_path / "x.npz")
    assert not raw.counts
    np.testing.assert_allclose(raw.values, np.log1p(COUNTS), rtol=1e-6)
    assert "real numbers, not counts" in raw.notes[0]
    assert {column.kind for column in load_dataset(tmp_path / "x.npz").columns} == {"real"}


def write_10x(folder: Path, packed: bool, names: str = "features") -> None:
    end = ".gz" if packed else ""
    opened = gzip.open if packed else open
    mmwrite(folder / "plain.mtx", sparse.coo_matrix(COUNTS.T))
    with opened(folder / f"matrix.mtx{end}", "wb") as stream:
        stream.write((folder / "plain.mtx").read_bytes())
    (folder / "plain.mtx").unlink()
    with opened(folder / f"{names}.tsv{end}", "wt") as stream:
        stream.write("".join(f"ENS{j}\t{gene}\tGene Expression\n" for j, gene in enumerate(GENES)))
    with opened(folder / f"barcodes.tsv{end}", "wt") as stream:
        stream.write("".join(f"{cell}\n" for cell in CELLS))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("names", ["features", "genes"])
def test_a_folder_of_10x_genomics_has_cells_as_rows(tmp_path: Path, packed: bool, names: str) -> None:
    write_10x(tmp_path, packed, names)
    for path in (tmp_path, tmp_path / ("matrix.mtx.gz" if packed else "matrix.mtx")):
        data = load_dataset(path)
        np.testing.assert_array_equal(data.images, COUNTS)
        assert tuple(column.name for column in data.columns) == GENES
        assert data.files == CELLS


def test_gene_names_that_repeat_are_replaced_by_their_identifiers(tmp_path: Path) -> None:
    write_10x(tmp_path, packed=False)
    (tmp_path / "features.tsv").write_text("".join(f"ENS{j}\tSAME\n" for j in range(12)))
    assert read_matrix_market(tmp_path).names == tuple(f"ENS{j}" for j in range(12))


def test_a_matrix_alone_is_read_as_it_is(tmp_path: Path) -> None:
    mmwrite(tmp_path / "x.mtx", sparse.coo_matrix(COUNTS))
    raw = read_matrix_market(tmp_path / "x.mtx")
    np.testing.assert_array_equal(raw.values, COUNTS)
    assert raw.files == ()
    (tmp_path / "genes.tsv").write_text("one\ntwo\n")  # belongs to another matrix
    np.testing.assert_array_equal(read_matrix_market(tmp_path / "x.mtx").values, COUNTS)
    assert read_matrix_market(tmp_path / "x.mtx").names[0] == "x0"


def test_a_table_that_does_not_fit_is_refused_before_it_is_filled(tmp_path: Path, monkeypatch) -> None:
    huge = sparse.coo_matrix(([1], ([0], [0])), shape=(1_000_000, 1_000_000))
    sparse.save_npz(tmp_path / "x.npz", huge)
    mmwrite(tmp_path / "x.mtx", huge)
    monkeypatch.setattr(guard, "_half_of_memory", lambda: 2**30)
    for name in ("x.npz", "x.mtx"):
        with pytest.raises(
            DataError, match=rf"{name}: takes 3725\.3 GiB, more than half of this machine's memory"
        ):
            load_dataset(tmp_path / name)


def test_counts_that_float32_cannot_hold_are_refused(tmp_path: Path) -> None:
    sparse.save_npz(tmp_path / "x.npz", sparse.csr_matrix(np.array([[2**24 + 1, 0]])))
    with pytest.raises(DataError, match=r"expected counts up to 16,777,216, got 16,777,217"):
        load_dataset(tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["x.npz", "x.mtx", "x.mtx.gz"])
def test_damaged_files_are_one_line(tmp_path: Path, name: str) -> None:
    sparse.save_npz(tmp_path / "x.npz", sparse.csr_matrix(COUNTS))
    mmwrite(tmp_path / "x.mtx", sparse.coo_matrix(COUNTS))
    (tmp_path / "x.mtx.gz").write_bytes(gzip.compress((tmp_path / "x.mtx").read_bytes()))
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(VaekitError) as caught:
        load_dataset(path)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3


# ---------------------------------------------------------------------------------------------------- AnnData


def write_h5ad(path: Path, x: Any, layers: dict[str, Any] | None = None, raw: Any = None) -> Path:
    """A file as AnnData writes it, by h5py alone."""
    h5py = pytest.importorskip("h5py")

    def write(group: Any, name: str, value: Any) -> None:
        if not sparse.issparse(value):
            group.create_dataset(name, data=value)
            return
        item = group.create_group(name)
        item.attrs["encoding-type"], item.attrs["shape"] = f"{value.format}_matrix", value.shape
        for part in ("data", "indices", "indptr"):
            item.create_dataset(part, data=getattr(value, part))

    def frame(group: Any, name: str, index: tuple[str, ...]) -> Any:
        item = group.create_group(name)
        item.attrs["_index"] = "names"
        item.create_dataset("names", data=[word.encode() for word in index])
        return item

    with h5py.File(path, "w") as file:
        write(file, "X", x)
        cells = frame(file, "obs", CELLS)
        frame(file, "var", GENES)
        kinds = cells.create_group("kind")
        kinds.create_dataset("categories", data=[b"B", b"T"])
        kinds.create_dataset("codes", data=(np.arange(30) % 3 - 1).astype(np.int8))
        cells.create_dataset("size", data=np.arange(30) % 2)
        for name, value in (layers or {}).items():
            write(file.require_group("layers"), name, value)
        if raw is not None:
            write(file.create_group("raw"), "X", raw)
            frame(file["raw"], "var", GENES)
    return path


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_an_h5ad_file_gives_counts_genes_and_cells(tmp_path: Path, kind: Any) -> None:
    data = load_dataset(write_h5ad(tmp_path / "x.h5ad", kind(COUNTS)))
    np.testing.assert_array_equal(data.images, COUNTS)
    assert tuple(column.name for column in data.columns) == GENES
    assert data.files == CELLS
    assert data.labels is None
    assert "obs has kind; data.label=kind makes one the classes" in data.notes


def test_the_counts_of_an_h5ad_file_are_found(tmp_path: Path) -> None:
    logs = np.log1p(COUNTS).astype(np.float32)
    path = write_h5ad(tmp_path / "x.h5ad", logs, {"counts": sparse.csr_matrix(COUNTS)})
    np.testing.assert_array_equal(read_h5ad(path).values, COUNTS)
    np.testing.assert_array_equal(read_h5ad(path, "X").values, logs)
    assert not read_h5ad(path, "X").counts
    path = write_h5ad(tmp_path / "y.h5ad", logs, raw=sparse.csr_matrix(COUNTS))
    np.testing.assert_array_equal(read_h5ad(path).values, COUNTS)
    with pytest.raises(DataError, match=r"expected one of X, raw/X, got 'Y'"):
        read_h5ad(path, "Y")


def test_a_column_of_obs_gives_the_classes(tmp_path: Path) -> None:
    path = write_h5ad(tmp_path / "x.h5ad", COUNTS)
    data = load_dataset(path, label="kind")
    assert data.label_names == ("B", "T", "missing")
    assert data.labels is not None
    assert data.labels.tolist()[:4] == [2, 0, 1, 2]
    assert load_dataset(path, label="size").classes == 2
    with pytest.raises(
        DataError, match=r"expected a column of obs, such as kind, got 'kin'; did you mean 'kind'"
    ):
        load_dataset(path, label="kin")


def test_a_file_of_anndata_itself(tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    import pandas

    cells = pandas.DataFrame({"kind": pandas.Categorical(["a", "b"] * 15)}, index=list(CELLS))
    made = anndata.AnnData(sparse.csr_matrix(COUNTS), obs=cells, var=pandas.DataFrame(index=list(GENES)))
    made.write_h5ad(tmp_path / "x.h5ad")
    raw = read_h5ad(tmp_path / "x.h5ad", label="kind")
    np.testing.assert_array_equal(raw.values, COUNTS)
    assert (raw.names, raw.files) == (GENES, CELLS)
    assert raw.labels is not None
    assert raw.labels.tolist() == ["a", "b"] * 15
