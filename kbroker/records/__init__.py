"""Records as people see them, whoever has read them: the commands over the wire, the HTTP door inside the broker.

    read.py      one record and where it stood             filters.py   which are wanted: text, expression, JSON path
    lines.py     a record as a JSON line, and back         times.py     times as people write them

Nothing here reads or writes a topic. Words that mean nothing are `NotUnderstood`.
"""
