"""A Kerberos of the test's own: a realm in a folder, MIT's KDC on a free port, keytabs.

Everything that looks for Kerberos in this process and in those it starts finds this one, by `environment`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

from compat_tests.broker import free_port
from compat_tests.tools import DEADLINE_S, need_command

REALM = "KBROKER.TEST"
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


class Kdc:
    """A running KDC."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.configuration = home / "krb5.conf"
        self.environment = {
            "KRB5_CONFIG": str(self.configuration),
            "KRB5_KDC_PROFILE": str(home / "kdc.conf"),
            "KRB5RCACHEDIR": str(home),
            "KRB5CCNAME": f"FILE:{home / 'tickets'}",
        }
        self.configuration.write_text(
            f"[libdefaults]\ndefault_realm = {REALM}\nrdns = false\ndns_canonicalize_hostname = false\n"
            "dns_lookup_kdc = false\ndns_lookup_realm = false\nudp_preference_limit = 1\n"
            f"[realms]\n{REALM} = {{\n kdc = 127.0.0.1:{self.port}\n}}\n"
        )
        (home / "kdc.conf").write_text(
            f'[kdcdefaults]\nkdc_listen = ""\nkdc_tcp_listen = 127.0.0.1:{self.port}\n'
            f"[realms]\n{REALM} = {{\n database_name = {home / 'principals'}\n key_stash_file = {home / 'stash'}\n"
            f" acl_file = {home / 'acl'}\n max_life = 1h\n}}\n"
            f"[logging]\nkdc = FILE:{home / 'kdc.log'}\n"
        )
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "the master of the realm")
        for name in ("kafka/localhost", "kafka/127.0.0.1", "alice", "bob/worker"):
            self._run("kadmin.local", "-r", REALM, "-q", f"addprinc -randkey {name}")
        self.broker_keytab = self.keytab("kafka/localhost", "kafka/127.0.0.1")
        words = [need_command("krb5kdc", "kerberos", PATH), "-n", "-r", REALM]
        self._process = subprocess.Popen(words, env=os.environ | self.environment, start_new_session=True)
        end = time.monotonic() + DEADLINE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < end and self._process.poll() is None, "the KDC does not come up"

    def keytab(self, *names: str) -> Path:
        path = self.home / f"{names[0].replace('/', '-')}.keytab"
        self._run("kadmin.local", "-r", REALM, "-q", f"ktadd -k {path} {' '.join(names)}")
        return path

    def _run(self, *words: str) -> None:
        command = [need_command(words[0], "kerberos", PATH), *words[1:]]
        subprocess.run(command, env=os.environ | self.environment, check=True, capture_output=True, timeout=60)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
