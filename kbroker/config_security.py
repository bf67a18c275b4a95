"""The broker configs of security that act; rows as in `config_acting.py`.

Most of them may be set for one listener, and those of SASL for one mechanism of one listener, as in Kafka:

    listener.name.<listener>.ssl.keystore.location
    listener.name.<listener>.<mechanism>.sasl.jaas.config
"""

Row = tuple[str, str, str | None, str | None, bool, str]

# What a listener, and what a mechanism of a listener, may have of its own.
OF_A_LISTENER = ("ssl.", "sasl.", "connections.max.reauth.ms", "max.connections", "principal.builder.class")
OF_A_MECHANISM = ("sasl.", "connections.max.reauth.ms")

# fmt: off
SECURITY: tuple[Row, ...] = (
    (
        "connection.failed.authentication.delay.ms", "INT", "100", "[0,...]", False,
        "How long a failed login waits for its answer and the end of its connection.",
    ),
    (
        "connections.max.reauth.ms", "LONG", "0", None, False,
        "How long a client may go on before it has to log in again; 0 is for ever.",
    ),
    (
        "delegation.token.expiry.check.interval.ms", "LONG", "3600000", "[1,...]", False,
        "How often delegation tokens that are over are forgotten.",
    ),
    (
        "delegation.token.expiry.time.ms", "LONG", "86400000", "[1,...]", False,
        "How long a delegation token lives until it has to be renewed.",
    ),
    (
        "delegation.token.max.lifetime.ms", "LONG", "604800000", "[1,...]", False,
        "How long a delegation token can live, however often it is renewed.",
    ),
    (
        "delegation.token.secret.key", "PASSWORD", None, None, False,
        "What the secrets of delegation tokens are made with; unset, there are no tokens.",
    ),
    (
        "kbroker.authentication.timeout.ms", "LONG", "30000", "[1,...]", False,
        "How long a client may take to log in.",
    ),
    (
        "kbroker.max.unauthenticated.connections", "INT", "1000", "[1,...]", False,
        "How many clients may be about to log in; the oldest goes when one more comes.",
    ),
    (
        "kbroker.sasl.users", "PASSWORD", None, None, False,
        "NAME:PASSWORD, ...: users for PLAIN and SCRAM, in memory only; for development.",
    ),
    (
        "kbroker.scram.users", "PASSWORD", None, None, False,
        "MECHANISM=[name=NAME,password=PASSWORD], ...: users that are stored at the start if they are not there yet.",
    ),
    (
        "sasl.enabled.mechanisms", "LIST", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512", None, True,
        "The SASL mechanisms that listeners with SASL offer.",
    ),
    (
        "sasl.jaas.config", "PASSWORD", None, None, True,
        "The users of a mechanism: user_NAME=\"PASSWORD\" for PLAIN.",
    ),
    (
        "sasl.kerberos.principal.to.local.rules", "LIST", "DEFAULT", None, True,
        "How a Kerberos principal becomes the name of a user.",
    ),
    (
        "sasl.kerberos.service.name", "STRING", None, None, True,
        "Of which service the broker's Kerberos key is; unset, any key of the keytab will do.",
    ),
    (
        "sasl.server.max.receive.size", "INT", "524288", None, False,
        "The largest request of a client that has not logged in.",
    ),
    (
        "ssl.client.auth", "STRING", "none", "[required, requested, none]", True,
        "Whether clients have to show a certificate.",
    ),
    ("ssl.enabled.protocols", "LIST", "TLSv1.2,TLSv1.3", None, True, "The versions of TLS that are spoken."),
    ("ssl.key.password", "PASSWORD", None, None, True, "The password of an encrypted private key."),
    (
        "ssl.keystore.certificate.chain", "PASSWORD", None, None, True,
        "The broker's certificate and those that it rests on, as PEM text.",
    ),
    ("ssl.keystore.key", "PASSWORD", None, None, True, "The broker's private key, as PEM text."),
    (
        "ssl.keystore.location", "STRING", None, None, True,
        "A file with the broker's private key and certificates: PEM, or PKCS12.",
    ),
    ("ssl.keystore.password", "PASSWORD", None, None, True, "The password of a PKCS12 keystore."),
    (
        "ssl.principal.mapping.rules", "STRING", "DEFAULT", None, False,
        "How the name in a client's certificate becomes that of a principal.",
    ),
    (
        "ssl.truststore.certificates", "PASSWORD", None, None, True,
        "The authorities whose clients are believed, as PEM text.",
    ),
    (
        "ssl.truststore.location", "STRING", None, None, True,
        "A file with the authorities whose clients are believed: PEM, or PKCS12.",
    ),
    ("ssl.truststore.password", "PASSWORD", None, None, True, "The password of a PKCS12 truststore."),
    (
        "kbroker.sasl.oauthbearer.unsecured", "BOOLEAN", "false", None, False,
        "Whether OAUTHBEARER takes tokens that nobody has signed; for development.",
    ),
    (
        "sasl.oauthbearer.clock.skew.seconds", "INT", "30", None, False,
        "How far the clocks of those who make tokens may be off.",
    ),
    (
        "sasl.oauthbearer.expected.audience", "LIST", "", None, False,
        "For whom tokens have to be; empty means for anybody.",
    ),
    (
        "sasl.oauthbearer.expected.issuer", "STRING", None, None, False,
        "Who has to have made a token; unset means anybody whose key is in the set.",
    ),
    (
        "sasl.oauthbearer.jwks.endpoint.refresh.ms", "LONG", "3600000", None, False,
        "How often the keys that sign tokens are fetched.",
    ),
    (
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "LONG", "10000", None, False,
        "How long the next fetch of keys waits when one has failed.",
    ),
    (
        "sasl.oauthbearer.jwks.endpoint.url", "STRING", None, None, False,
        "The keys that sign tokens: a JSON Web Key Set, a file or an address.",
    ),
    ("sasl.oauthbearer.scope.claim.name", "STRING", "scope", None, False, "The claim of a token that has its scopes."),
    ("sasl.oauthbearer.sub.claim.name", "STRING", "sub", None, False, "The claim of a token that names the principal."),
)
# fmt: on
