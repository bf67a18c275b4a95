"""Does somebody's own broker speak Kafka? Stage by stage, from ApiVersions to transactions.

    peer.py      ask, and read the answer strictly: what is wrong with it is said with its byte
    stages.py    what is asked, and what Kafka answers
    first.py  records.py  groups.py  transactions.py      the stages themselves

A stage is a list of promises, each a function whose doc says what is promised. One that does not hold ends its stage:
what comes after would only repeat it.
"""
