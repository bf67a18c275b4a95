"""Every control primitive, shown through a stock client: a short test for each row of the table in docs/testing.md,
which names it there (tests/kbroker/testing/test_primitives.py holds both to it).
"""
