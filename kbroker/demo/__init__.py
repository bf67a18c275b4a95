"""A living shop for whoever wants to see something move: `kbroker demo`.

    shop.py      who does what: orders, payments, shipments, poison, a group that falls behind
    goods.py     what is ordered, by whom: made of a seed
    member.py    a member of a consumer group (KIP-848), blocking, over `kbroker/client`
    ledger.py    writing in transactions: what was read is committed with what was written (KIP-98, KIP-447)

Clients like any others: they come in by a socket, and know of the broker what Kafka's protocol tells.
"""
