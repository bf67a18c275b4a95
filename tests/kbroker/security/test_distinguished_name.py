"""The subject of a certificate as Java's `X500Principal.getName()` writes it (the expected names are Java's)."""

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from kbroker.security.distinguished_name import subject

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime(2026, 1, 1)


def certificate(*names: list[tuple[x509.ObjectIdentifier, str]]) -> bytes:
    """One with a subject of these RDNs, each of one or more attributes."""
    name = x509.Name([x509.RelativeDistinguishedName([x509.NameAttribute(*one) for one in rdn]) for rdn in names])
    builder = x509.CertificateBuilder(
        issuer_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "not this one")]),
        subject_name=name,
        public_key=KEY.public_key(),
        serial_number=7,
        not_valid_before=NOW,
        not_valid_after=NOW + timedelta(days=1),
    )
    return builder.sign(KEY, SHA256()).public_bytes(Encoding.DER)


def test_the_last_attribute_comes_first() -> None:
    der = certificate(
        [(NameOID.COUNTRY_NAME, "DE")],
        [(NameOID.STATE_OR_PROVINCE_NAME, "Bayern")],
        [(NameOID.LOCALITY_NAME, "München")],
        [(NameOID.ORGANIZATION_NAME, "Example")],
        [(NameOID.ORGANIZATIONAL_UNIT_NAME, "Dev")],
        [(NameOID.COMMON_NAME, "client")],
    )
    assert subject(der) == "CN=client,OU=Dev,O=Example,L=München,ST=Bayern,C=DE"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a,b", r"a\,b"),
        ('a+b="c"<d>;#e\\', r"a\+b\=\"c\"\<d\>\;\#e\\"),
        (" padded ", r"\ padded\ "),
        ("in the middle", "in the middle"),
    ],
)
def test_characters_with_a_meaning_bear_a_backslash(text: str, written: str) -> None:
    assert subject(certificate([(NameOID.COMMON_NAME, text)])) == f"CN={written}"


def test_what_rfc_2253_has_no_word_for_is_a_number_and_bytes() -> None:
    der = certificate([(NameOID.COMMON_NAME, "a")], [(NameOID.EMAIL_ADDRESS, "a@b.de")])
    assert subject(der) == "1.2.840.113549.1.9.1=#160661" + b"@b.de".hex() + ",CN=a"


def test_several_attributes_may_stand_together() -> None:
    der = certificate([(NameOID.USER_ID, "u1")], [(NameOID.DOMAIN_COMPONENT, "de")])
    assert subject(der) == "DC=de,UID=u1"
    assert subject(certificate([(NameOID.COMMON_NAME, "a"), (NameOID.USER_ID, "u")])) in ("CN=a+UID=u", "UID=u+CN=a")


def test_there_may_be_no_subject() -> None:
    assert subject(certificate()) == ""


WHOLE = certificate([(NameOID.COMMON_NAME, "a")])


@given(st.binary(max_size=40) | st.integers(0, len(WHOLE) - 1).map(lambda size: WHOLE[:size]))
def test_what_is_no_certificate_is_said_so(data: bytes) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        subject(data)
