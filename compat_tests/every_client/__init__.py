"""Behaviour that each stock client must see: one test, run with every driver."""
