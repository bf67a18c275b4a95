"""`kbroker certs`: certificates for development, made on the spot.

An authority of one's own, one certificate for the broker and one for each client, each in one PEM file with its key.
The authority is kept when it is there already: whoever trusts it goes on to. Nobody but this machine's tests should.
"""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

CANNOT = 2
_AUTHORITY_DAYS, _DAYS = 3650, 825  # some clients refuse longer ones
_HERE = ("localhost", "127.0.0.1", "::1")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="Another name or address of the broker.")
@click.option("--client", "clients", multiple=True, metavar="NAME", help="A client's name.  [default: client]")
def certs(folder: Path, hosts: tuple[str, ...], clients: tuple[str, ...]) -> None:
    """Make a certificate authority, and certificates for the broker and its clients, for development."""
    try:
        from cryptography import x509
    except ImportError:
        raise _sorry("install kbroker[tls] to make certificates") from None
    names = clients or ("client",)
    for name in names:
        if name in ("ca", "server") or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise _sorry(f"a client cannot be called {name}: its file would be")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        authority = _authority(folder)
        alternatives = x509.SubjectAlternativeName([_alternative(host) for host in dict.fromkeys((*_HERE, *hosts))])
        _issue(folder / "server.pem", authority, "localhost", alternatives)
        for name in names:
            _issue(folder / f"{name}.pem", authority, name, None)
    except OSError as error:
        raise _sorry(f"cannot write {error.filename or folder}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise _sorry(str(error)) from None
    click.echo(f"{folder / 'ca.pem'}        the authority that clients trust")
    click.echo(f"{folder / 'server.pem'}    for the broker: kbroker serve --listen SSL://127.0.0.1:9093 --tls {folder}")
    for name in names:
        click.echo(f"{folder / f'{name}.pem'}    for a client who has to show one: User:CN={name}")


def _authority(folder: Path) -> tuple[Certificate, Any]:
    """That of the folder, or a new one."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    certificate, key = folder / "ca.pem", folder / "ca.key"
    if certificate.exists() and key.exists():
        found = load_pem_private_key(key.read_bytes(), None)
        return x509.load_pem_x509_certificate(certificate.read_bytes()), found
    made = ec.generate_private_key(ec.SECP256R1())
    name = _name("kbroker development authority")
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    signed = (
        _builder(name, name, made.public_key(), _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(made, _sha256())
    )
    _write_secret(key, _pem_key(made))
    certificate.write_bytes(_pem(signed))
    return signed, made


def _issue(path: Path, authority: tuple[Certificate, Any], name: str, alternatives: Any) -> None:
    """A key, its certificate and the authority's, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    certificate, authority_key = authority
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH if alternatives is None else ExtendedKeyUsageOID.SERVER_AUTH
    builder = (
        _builder(_name(name), certificate.subject, key.public_key(), _DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    if alternatives is not None:
        builder = builder.add_extension(alternatives, critical=False)
    signed = builder.sign(authority_key, _sha256())
    _write_secret(path, _pem_key(key) + _pem(signed) + _pem(certificate))


def _builder(name: Any, issuer: Any, public_key: Any, days: int) -> Any:
    from cryptography import x509

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _name(text: str) -> Any:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _alternative(host: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _sha256() -> Any:
    from cryptography.hazmat.primitives.hashes import SHA256

    return SHA256()


def _pem(certificate: Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _pem_key(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    data: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return data


def _write_secret(path: Path, data: bytes) -> None:
    """For its owner's eyes alone, also if the file was there before."""
    path.unlink(missing_ok=True)
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags | os.O_EXCL, 0o600)) as file:
        file.write(data)


def _sorry(sentence: str) -> SystemExit:
    click.echo(f"kbroker: {sentence}", err=True)
    return SystemExit(CANNOT)
