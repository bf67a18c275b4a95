"""From configs to a listener's TLS: certificates, who has to show one, which versions.

    ssl.keystore.location       a PEM file with the private key and the certificate chain, or a PKCS12 file
    ssl.keystore.key, ssl.keystore.certificate.chain         the same as text
    ssl.key.password            of an encrypted PEM key         ssl.keystore.password    of a PKCS12 file
    ssl.truststore.location, ssl.truststore.certificates     whose certificates are believed
    ssl.client.auth             none, requested, required; with SASL only if set for the listener (KIP-684)

TLS itself is the standard library's `ssl`. PKCS12 files are read by the package `cryptography` where it is installed;
Java's own JKS format is not. The type of a file is seen by its first bytes, whatever `ssl.keystore.type` says.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
import tempfile
from typing import TYPE_CHECKING, Any

from kbroker.config import Config, ConfigError
from kbroker.security.distinguished_name import subject
from kbroker.security.principal_rules import PrincipalRules

if TYPE_CHECKING:
    from kbroker.server.connection import Connection

log = logging.getLogger("kbroker.connections")

_JKS, _DER = b"\xfe\xed\xfe\xed", b"\x30"
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH = {"none": ssl.CERT_NONE, "requested": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
_ANONYMOUS = "ANONYMOUS"

# Who speaks no TLS cannot read an alert.
_NO_TLS = ("http request", "wrong version number")

# What OpenSSL's words most often come from.
_MEANINGS = {
    "http request": " (the client speaks HTTP without TLS)",
    "wrong version number": " (the client does not speak TLS: is its security.protocol SSL or SASL_SSL?)",
    "tlsv1 alert unknown ca": " (the client does not trust our certificate)",
    "peer did not return a certificate": " (ssl.client.auth is required)",
}


def context(config: Config, listener: str, *, with_sasl: bool) -> ssl.SSLContext:
    """What the listener shows and asks for; raises ConfigError, which holds no secret."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.options |= ssl.OP_NO_RENEGOTIATION
    made.sslobject_class = _Handshake
    _limit_versions(made, config, listener)
    name, pem, password = _keystore(config, listener)
    try:
        with tempfile.TemporaryDirectory() as folder:  # made for this user alone; OpenSSL takes keys from files only
            path = os.path.join(folder, "keystore.pem")
            with open(path, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(pem)
            made.load_cert_chain(path, password=password)
    except (OSError, ValueError) as error:
        raise _wrong(config, name, f"it holds no private key with its certificate: {_reason(error)}") from None
    own = f"listener.name.{listener.lower()}.ssl.client.auth"
    auth = config.of_listener(listener, "ssl.client.auth") if not with_sasl or config.is_set(own) else "none"
    made.verify_mode = _CLIENT_AUTH[auth]
    if made.verify_mode != ssl.CERT_NONE:
        _believe(made, config, listener)
    return made


class Showing(ssl.SSLContext):
    """What a listener shows at the moment: the loop is given this, and each handshake is one of `now`."""

    now: ssl.SSLContext

    def __new__(cls) -> Showing:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def wrap_bio(self, *words: Any, **named: Any) -> ssl.SSLObject:
        return self.now.wrap_bio(*words, **named)


class CertificateGate:
    """The gate of a listener with TLS alone: the client is who its certificate says, or anonymous."""

    def __init__(self, config: Config, listener: str) -> None:
        name = config.nearest(listener, "ssl.principal.mapping.rules")
        try:
            self._rules = PrincipalRules(config[name])
        except ValueError as error:
            raise ConfigError(f"Invalid value for configuration {name}: {error}") from None

    def admit(self, connection: Connection) -> None:
        """A client has connected, and its TLS handshake is done."""
        encrypted = connection.transport.get_extra_info("ssl_object")
        certificate = encrypted.getpeercert(True) if encrypted is not None else None
        if certificate is None:
            connection.principal = f"User:{_ANONYMOUS}"
            return
        name = subject(certificate)
        mapped = self._rules.name(name)
        if mapped is None:
            connection.close(f"no rule of ssl.principal.mapping.rules applies to {name}")
        else:
            connection.principal = f"User:{mapped}"

    def lost(self, connection: Connection) -> None:
        """Nobody waits here."""


class _Handshake(ssl.SSLObject):
    """Tells why a TLS handshake failed, the log and the client: the event loop would do neither.

    The alert for the client lies ready to be sent when the handshake fails, but a loop sends only what is there when
    one goes on. So it is told once more to go on, and of the failure when it comes again: a client that has heard the
    alert hangs up, and one that does not runs into the time for handshakes. Who speaks no TLS is closed at once.
    """

    _failure: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            reason = _reason(error)
            log.warning("a TLS handshake failed: %s%s", reason, _MEANINGS.get(reason, ""))
            self._failure = error
            if reason in _NO_TLS:
                raise
            raise ssl.SSLWantReadError from error


def _limit_versions(made: ssl.SSLContext, config: Config, listener: str) -> None:
    name = config.nearest(listener, "ssl.enabled.protocols")
    versions = sorted(_VERSIONS[one] for one in config[name] if one in _VERSIONS)
    if not versions:
        raise _wrong(config, name, f"there are {' and '.join(_VERSIONS)}")
    made.minimum_version, made.maximum_version = versions[0], versions[-1]


def _keystore(config: Config, listener: str) -> tuple[str, str, str]:
    """The config that has it, the PEM text, and the password of its key."""
    password = config.of_listener(listener, "ssl.key.password") or ""  # None would make OpenSSL ask the terminal
    key_name = config.nearest(listener, "ssl.keystore.key")
    if config[key_name] is not None:
        chain = config.of_listener(listener, "ssl.keystore.certificate.chain") or ""
        return key_name, _lined(f"{config[key_name]}\n{chain}"), password
    name = config.nearest(listener, "ssl.keystore.location")
    if not config[name]:
        raise ConfigError(
            f"listener {listener} needs a certificate: ssl.keystore.location (kbroker certs makes one for development)"
        )
    data = _content(config, name)
    if not data.startswith(_DER):
        return name, data.decode("utf-8", "replace"), password
    pem = _from_pkcs12(config, name, data, config.of_listener(listener, "ssl.keystore.password"))
    return name, pem, ""


def _believe(made: ssl.SSLContext, config: Config, listener: str) -> None:
    """Whose clients' certificates are believed: those of the truststore, or of the machine's own authorities."""
    name = config.nearest(listener, "ssl.truststore.certificates")
    pem = _lined(config[name]) if config[name] is not None else None
    if pem is None:
        name = config.nearest(listener, "ssl.truststore.location")
        if not config[name]:
            made.load_default_certs(ssl.Purpose.CLIENT_AUTH)
            return
        data = _content(config, name)
        pem = data.decode("utf-8", "replace")
        if data.startswith(_DER):
            pem = _from_pkcs12(config, name, data, config.of_listener(listener, "ssl.truststore.password"))
    try:
        made.load_verify_locations(cadata=pem)
    except (OSError, ValueError) as error:
        raise _wrong(config, name, f"it holds no certificates: {_reason(error)}") from None


def _content(config: Config, name: str) -> bytes:
    try:
        with open(os.path.expanduser(config[name]), "rb") as file:
            data = file.read()
    except OSError as error:
        raise _wrong(config, name, (error.strerror or str(error)).lower()) from None
    if data.startswith(_JKS):
        way_out = "keytool -importkeystore -deststoretype PKCS12 converts it"
        raise _wrong(config, name, f"JKS is read by Java alone; {way_out}")
    return data


def _from_pkcs12(config: Config, name: str, data: bytes, password: str | None) -> str:
    """Key and certificates of a PKCS12 file as PEM."""
    try:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
        from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
    except ImportError:
        raise _wrong(config, name, "to read PKCS12 install kbroker[tls], or use PEM") from None
    try:
        store = load_pkcs12(data, None if password is None else password.encode())
    except ValueError:
        raise _wrong(config, name, "it is no PKCS12 file, or its password is another one") from None
    key: Any = store.key
    parts = [] if key is None else [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())]
    owned = [] if store.cert is None else [store.cert]
    parts += [one.certificate.public_bytes(Encoding.PEM) for one in (*owned, *store.additional_certs)]
    return b"".join(parts).decode()


def _lined(text: str) -> str:
    """PEM on as many lines as it needs: in a properties file it may stand on one."""

    def block(found: re.Match[str]) -> str:
        head, body = f"-----BEGIN {found[1]}-----", "".join(found[2].split())
        lines = [body[at : at + 64] for at in range(0, len(body), 64)]
        return "\n".join([head, *lines, f"-----END {found[1]}-----\n"])

    return _BLOCK.sub(lambda found: found[0] if ":" in found[2] else block(found), text.replace("\\n", "\n"))


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        said = getattr(error, "verify_message", "") or error.reason.lower().replace("_", " ")
        return str(said)
    return str(error).lower() or type(error).__name__


def _wrong(config: Config, name: str, reason: str) -> ConfigError:
    shown = "" if name.endswith((".key", ".chain", ".certificates")) else f" {config[name]}"
    return ConfigError(f"Invalid value{shown} for configuration {name}: {reason}")
