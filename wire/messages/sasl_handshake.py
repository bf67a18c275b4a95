"""SaslHandshake (key 17): the client picks a SASL mechanism, before anything else but ApiVersions.

The tokens of the mechanism follow: after v0 bare, each with its size and no Kafka header; after v1 inside
SaslAuthenticate, so that a failure can be told (KIP-152). A client that authenticates again on a living connection
begins here, too (KIP-368).

Errors: UNSUPPORTED_SASL_MECHANISM (with the list of those that there are), ILLEGAL_SASL_STATE.
"""

from ..schema import Request, Response, array, int16, string


class SaslHandshakeRequest(Request, key=17, versions="0-1"):
    mechanism: str = string()


class SaslHandshakeResponse(Response, key=17, versions="0-1"):
    error_code: int = int16()
    mechanisms: list[str] = array(string)
