"""Faults: what becomes of chosen requests, instead of what should.

    faults.py    Faults: installs them in place of handlers, and takes them out      plan.py    one fault: which, when
    stale.py     Metadata that lags behind what has happened
    topics.py    which topics and partitions a request speaks of; a request of fewer of them; two responses as one
    wounds.py    what happens to the bytes of an answer                              lies.py    what happens inside one

A fault stands in the table of APIs in the place of the handler (`server/apis.Entry`), and decides for each request
whether it is met. Nobody else knows of faults: without any the table holds the handlers themselves, and a request costs
what it always costs.
"""

from .faults import Faults

__all__ = ["Faults"]
