"""Tables with typed columns: CSV, TSV, text, Parquet, Excel, and data frames of pandas, polars and PyArrow.

`vaekit.data` imports it; it imports `vaekit.data.dataset`, the readers' helpers and `vaekit.spec`.

    table.py       a table -> a dataset: labels, weights, groups, times and conditions are columns apart
    files.py       any source -> columns of numbers and words; text.py, dialect.py, frames.py read them
    kinds.py       the kind of a column; suspects.py: row numbers, times and codes for missing values
    arrays.py      arrays (N, D) as tables
    like.py        other tables, by the columns of a model
    write.py       values -> a table in the form of the source; fill.py: the source with its gaps filled
"""

from vaekit.data.tables.fill import fill_table
from vaekit.data.tables.like import read_like
from vaekit.data.tables.table import TableOptions, table_dataset
from vaekit.data.tables.write import write_table

__all__ = ["TableOptions", "fill_table", "read_like", "table_dataset", "write_table"]
