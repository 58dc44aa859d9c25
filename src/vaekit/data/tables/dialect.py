"""How a text file writes its table: encoding, delimiter, decimal mark, and a first row of names."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from vaekit.data.table_source import TableSource
from vaekit.data.tables.cells import bare_number, decimal_mark, is_missing, thousands_mark, to_number
from vaekit.errors import DataError

DELIMITERS = (";", "\t", "|", ",")

_SAMPLE = 1000  # records to look at
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PAIR = re.compile(r"\d+:[+-]?[\d.]+(?:[eE][+-]?\d+)?")
_NAMES = {" ": "white space", "\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}


class Dialect(NamedTuple):
    """The format of a text file, the names of its columns (empty without a header), and what to say of it.

    >>> Dialect(TableSource(), (), 2, ()).width
    2
    """

    source: TableSource
    names: tuple[str, ...]
    width: int
    notes: tuple[str, ...]


def find_dialect(path: Path, header: bool | None = None, delimiter: str | None = None) -> Dialect:
    """Recognize how a text file writes its table.

    Args:
        path: the file.
        header: whether the first row holds names; found out if None.
        delimiter: between the columns; found out if None.

    Raises:
        DataError: the file holds no row, or is no text.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.csv"
    >>> _ = path.write_text("a;b\\n1,5;2\\n")
    >>> found = find_dialect(path)
    >>> found.source.delimiter, found.source.decimal, found.names
    (';', ',', ('a', 'b'))
    """
    encoding = find_encoding(path)
    skip, lines, forced = _first_lines(path, encoding)
    delimiter = delimiter or forced or _delimiter(lines)
    before = _lines_before(lines, delimiter)
    skip, lines, preamble = skip + before, lines[before:], "".join(lines[:before]).strip()
    records = list(split_records(lines, delimiter))
    _refuse_libsvm(path, records)
    bare = [[bare_number(cell) for cell in record] for record in records]
    cells = [cell for record in bare for cell in record]
    point = any("." in cell and to_number(cell) is not None for cell in cells)
    comma = delimiter != "," and any("," in cell and to_number(cell, ",") is not None for cell in cells)
    decimal = decimal_mark(cells, "," if comma and not point else ".")
    thousands = thousands_mark(cells, decimal)
    width = len(records[0])
    below = Counter(len(record) for record in records[1:]).most_common(1)
    names_of_rows = bool(below) and below[0][0] == width + 1 and all(map(_is_word, records[0]))
    if header is None:
        header = names_of_rows or _is_header(bare[0], bare[1:], decimal)
    if header and len(records) < 2:
        raise DataError(f"{path}: expected a table of numbers, got a file without any row")
    names = tuple(cell.strip() for cell in records[0]) if header else ()
    names = ("", *names) if header and names_of_rows else names
    if names and names[0].startswith("#"):
        names = (names[0].lstrip("# "), *names[1:])
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    source = TableSource(
        encoding=encoding,
        delimiter=delimiter,
        decimal=decimal,
        thousands=thousands,
        header=header,
        skip=skip,
        newline=newline,
    )
    notes = _notes(source, names)
    if preamble:
        notes = (f"lines before the table, such as {preamble.splitlines()[0][:40]!r}, are skipped", *notes)
    return Dialect(source, names, len(names) or width, notes)


def split_records(lines: Sequence[str] | Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """The records of some lines; blank lines are left out. A space stands for any white space.

    >>> list(split_records(["a  b\\n", "\\n", "1 2\\n"], " "))
    [['a', 'b'], ['1', '2']]
    """
    if delimiter == " ":
        lines = (" ".join(line.split()) for line in lines)
    return (record for record in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if record)


def find_encoding(path: Path) -> str:
    """The encoding of a text file: by its byte order mark, or UTF-8, UTF-16, Windows-1252 or latin-1.

    Raises:
        DataError: the file is no text.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.csv"
    >>> _ = path.write_bytes("größe\\n1\\n".encode("latin-1"))
    >>> find_encoding(path)
    'cp1252'
    """
    with open(path, "rb") as stream:
        start = stream.read(2**16)
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name
    if b"\0" in start:
        zeros = (start[::2].count(0), start[1::2].count(0))
        if max(zeros) < len(start) // 5 or min(zeros) > max(zeros) // 4:
            raise DataError(f"{path}: cannot be read as a table of numbers: it is no text; convert it to CSV")
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    if sum(byte < 9 or 13 < byte < 27 for byte in start[:4096]) > 8:
        raise DataError(f"{path}: cannot be read as a table of numbers: it is no text; convert it to CSV")
    return next(name for name in ("utf-8", "cp1252", "latin-1") if _decodes(path, name))


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with open(path, "rb") as stream:
        try:
            while block := stream.read(2**20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _refuse_libsvm(path: Path, records: Sequence[Sequence[str]]) -> None:
    """Raise an error for a file of pairs index:value, whose rows are no cells."""
    pairs = [cell for record in records for cell in record[1:]]
    if pairs and all(_PAIR.fullmatch(cell) for cell in pairs):
        raise DataError(
            f"{path}: expected a table, got pairs index:value (LIBSVM); load it with "
            "sklearn.datasets.load_svmlight_file, and save the matrix with scipy.sparse.save_npz"
        )


def _first_lines(path: Path, encoding: str) -> tuple[int, list[str], str]:
    """The number of lines before the table, its first lines, and the delimiter that the file names."""
    with open(path, encoding=encoding, newline="") as stream:
        lines = list(islice(stream, _SAMPLE + 20))
    skip, forced = 0, ""
    while skip < len(lines):
        line, after = lines[skip].strip(), lines[skip + 1 : skip + 2]
        if line[:4].lower() == "sep=" and len(line) == 5:
            forced = line[4]
        elif line and not (line.startswith("#") and after and _is_comment(line, after[0])):
            break
        skip += 1
    lines = lines[skip:]
    if not any(line.strip() for line in lines):
        raise DataError(f"{path}: expected a table of numbers, got a file without any row")
    return skip, lines, forced


def _is_comment(line: str, after: str) -> bool:
    """Whether a line that starts with # is no line of names for the next one."""
    mark = next((mark for mark in DELIMITERS if mark in after), " ")
    counts = [len(next(split_records([text], mark), [])) for text in (line.lstrip("# "), after)]
    return after.startswith("#") or counts[0] != counts[1]


def _lines_before(lines: Sequence[str], delimiter: str) -> int:
    """The number of lines, at most 10, before a table: shorter than all records below, and with words."""
    if delimiter == " ":
        return 0
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    found = [(reader.line_num, record) for record in reader if record]
    widths = [len(record) for _, record in found]
    first = next((k for k in range(len(widths)) if len(set(widths[k:])) == 1), 0)
    head = [record for _, record in found[:first]]
    shorter = all(len(record) < widths[-1] and any(map(_is_word, record)) for record in head)
    names = first == 1 and widths[0] == widths[-1] - 1 and all(map(_is_word, head[0]))
    names = names and not all(map(_is_word, found[1][1]))  # names without one for the column of row names
    if not 0 < first <= 10 or len(found) - first < 3 or not shorter or names:
        return 0
    return found[first - 1][0]


def _delimiter(lines: Sequence[str]) -> str:
    for mark in (*DELIMITERS, " "):
        widths = Counter(len(record) for record in split_records(lines[:200], mark))
        width, times = widths.most_common(1)[0]
        if width > 1 and times >= 0.9 * widths.total():
            return mark
    first = next(line for line in lines if line.strip())
    return next((mark for mark in DELIMITERS if mark in first.strip()), ",")


def _is_header(first: Sequence[str], below: Sequence[Sequence[str]], decimal: str) -> bool:
    """Whether the first row holds names: words that do not occur again below them, or consecutive numbers."""
    numbers = [to_number(cell, decimal) for cell in first]
    words = [j for j, cell in enumerate(first) if numbers[j] is None and not is_missing(cell)]
    if not words:
        return _are_names([number for number in numbers if number is not None], first, below, decimal)
    again = [any(len(row) > j and row[j].strip() == first[j].strip() for row in below) for j in words]
    data = any(
        number is not None and all(_is_value(row[j], decimal) for row in below[:20] if len(row) > j)
        for j, number in enumerate(numbers)
    )
    return not (all(again) or (data and sum(again) * 2 >= len(again)))


def _are_names(
    numbers: Sequence[float], first: Sequence[str], below: Sequence[Sequence[str]], decimal: str
) -> bool:
    """Whether a row of numbers is one of names, such as 0, 1, 2 or 2019, 2020, above other numbers."""
    start = len(first) - len(numbers)
    if len(numbers) < 2 or start > 1 or (start and first[0].strip()) or not below:
        return False
    if any(later - earlier != 1 for earlier, later in pairwise(numbers)):
        return False
    cells = [to_number(cell, decimal) for row in below for cell in row[start:]]
    known = [number for number in cells if number is not None]
    years = 1900 <= numbers[0] <= numbers[-1] <= 2100 and len(numbers) > 2
    if years:
        return not any(1900 <= number <= 2100 for number in known[:1000])
    return numbers[0] in (0, 1) and sum(number % 1 != 0 for number in known) > 0.9 * len(cells)


def _is_word(cell: str) -> bool:
    return not is_missing(cell) and to_number(cell) is None


def _is_value(cell: str, decimal: str) -> bool:
    return is_missing(cell) or to_number(cell, decimal) is not None


def _notes(source: TableSource, names: Sequence[str]) -> tuple[str, ...]:
    """What is unusual about a format, one sentence each."""
    notes = []
    if source.encoding not in ("utf-8", "utf-8-sig"):
        notes.append(f"text in {source.encoding}")
    if source.delimiter != ",":
        notes.append(f"columns separated by {_NAMES.get(source.delimiter, repr(source.delimiter))}")
    if source.decimal == ",":
        notes.append("decimal comma")
    if source.thousands:
        notes.append(f"{source.thousands!r} between thousands")
    numbers = bool(names) and all(name.isdecimal() for name in names if name)
    if numbers:
        notes.append(
            f"the first row, {', '.join(names[:3])}, ..., is read as names; data.header=false changes it"
        )
    return tuple(notes)
