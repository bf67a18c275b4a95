"""Records as people see them, whoever has read them: the commands over the wire, the HTTP door inside the broker.

    read.py      one record and where it stood             filters.py   which are wanted: text, expression, JSON path
    lines.py     a record as a JSON line, and back         places.py    partitions and times

Nothing here reads or writes a topic. Words that mean nothing are `NotUnderstood`.
"""
