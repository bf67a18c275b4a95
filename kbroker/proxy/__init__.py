"""A proxy before any Kafka cluster, so that its wire can be seen, and broken on command.

    addresses.py   which answers name brokers, and those names put right: clients must not get past the proxy
    ports.py       one local port for each broker of the cluster
    relay.py       one connection: frames both ways, in order, untouched but for addresses
    faults.py      what is to go wrong, in short words
    desk.py        faults and history as a broker's control has them, where a proxy stands in its place
    login.py       TLS and SASL towards the cluster, on behalf of clients that have neither

Frames are passed on as they are. Only answers that name brokers are decoded and written again, and an API that names
brokers is advertised up to the version that is known here.
"""
