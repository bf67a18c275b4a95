"""Quotas: how much of something a client may do in a time, and for how long it has to wait when it did more.

`entities` says which quota is whose, `rates` counts, `limits` brings both together. What is asked of a client that has
to wait is the server's business (`server/throttle.py`); what quotas there are, the catalog's (`catalog/quotas.py`).
"""
