"""Committed offsets: how far a group has come.

commit.py   who may commit, and the records of it        fetch.py    what has been committed, also what is undecided
expiry.py   offsets that nobody uses any more            removal.py  OffsetDelete, DeleteGroups, deleted topics
"""
