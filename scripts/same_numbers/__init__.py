"""What `scripts/same_numbers.py` is made of.

table.py     every rename, new name -> old name: the one file to change when something is renamed
names.py     how the table is read
rows.py      what is trained and measured, in new names
worker.py    runs that on one tree, old or new, and writes down every number
compare.py   walks what two workers wrote, and lists what differs
"""
