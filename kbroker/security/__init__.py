"""Who is there, and what they may do: logins, principals, rights, quotas. Pure: bytes and values in, decisions out.

    login.py         the conversation before the first real request: which request may come when
    mechanisms.py    what every SASL mechanism is: tokens in, challenges out, at the end somebody or nobody
    plain.py         name and password (RFC 4616)
    scram.py         name and proof of a password (RFC 5802)
    oauthbearer.py   a token of somebody else (RFC 7628); tokens.py: which ones are good
    distinguished_name.py, principal_rules.py   from a client's certificate to its principal
    authorizer.py    may this principal do that? over the access rules that the catalog keeps
    jaas.py          `sasl.jaas.config`, Kafka's way to write users down

Nothing secret leaves this package: no exception, no `repr` and no log line carries a password, a key or a token.
"""
