"""Kerberos tickets by the package gssapi, over the machine's own library: the broker's key, and contexts with clients.

The key is where Kafka's configuration has it, or where the library looks by itself (KRB5_KTNAME, /etc/krb5.keytab):

    listener.name.<listener>.gssapi.sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required
        useKeyTab=true storeKey=true keyTab="/etc/kafka.keytab" principal="kafka/host@REALM";

Without a principal any key of `sasl.kerberos.service.name` will do, or any at all. The keytab is read when a client
comes, so that a new one needs no restart.
"""

from __future__ import annotations

import os
from typing import Any

import gssapi
from gssapi.raw.misc import GSSError

from kbroker.security.kerberos import BadTicket

Store = dict[bytes | str, bytes | str] | None


class Tickets:
    """The broker's key."""

    def __init__(self, principal: str | None, service: str | None, keytab: str | None) -> None:
        """Raises OSError where the keytab cannot be read, ValueError where a name is none."""
        self._store: Store = None
        if keytab is not None:
            path = os.path.expanduser(keytab)
            with open(path, "rb"):  # the library would tell only when a client comes
                self._store = {"keytab": f"FILE:{path}"}
        try:
            self._name = None
            if principal:
                self._name = gssapi.Name(principal, gssapi.NameType.kerberos_principal)
            elif service:
                self._name = gssapi.Name(service, gssapi.NameType.hostbased_service)
        except GSSError as error:
            raise ValueError(_why(error)) from None

    def begin(self) -> OneTicket:
        return OneTicket(self._name, self._store)


class OneTicket:
    """A context with one client."""

    def __init__(self, name: Any, store: Store) -> None:
        self._name = name
        self._store = store
        self._context: Any = None

    def step(self, token: bytes) -> bytes:
        try:
            if self._context is None:
                key = gssapi.Credentials(name=self._name, usage="accept", store=self._store)
                self._context = gssapi.SecurityContext(creds=key, usage="accept")
            return self._context.step(token) or b""
        except GSSError as error:
            raise BadTicket(_why(error)) from None

    def is_complete(self) -> bool:
        return bool(self._context.complete)

    def wrap(self, message: bytes) -> bytes:
        return bytes(self._context.wrap(message, False).message)

    def unwrap(self, token: bytes) -> bytes:
        try:
            return bytes(self._context.unwrap(token).message)
        except GSSError as error:
            raise BadTicket(_why(error)) from None

    def client(self) -> tuple[str, str]:
        return str(self._context.initiator_name), str(self._context.target_name).rpartition("@")[2]


def _why(error: Any) -> str:
    return str(error).replace("\n", " ")
