"""`sasl.jaas.config`: how Kafka's configuration writes down the users of a mechanism.

    org.apache.kafka.common.security.plain.PlainLoginModule required
        username="admin" password="admin-secret" user_admin="admin-secret" user_alice="alice-secret";

One login module with its options, a semicolon at the end. Words may be bare or in quotes, with backslash escapes; `//`,
`#` and `/* */` begin comments between them. What is wrong is told without a word of the text: it holds passwords.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""\s+ | //[^\n]* | \#[^\n]* | /\*.*?\*/
      | (?P<quoted> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
      | (?P<sign> [=;] )
      | (?P<word> [^\s=;"'\#]+ )""",
    re.VERBOSE | re.DOTALL,
)
_FLAGS = ("required", "requisite", "sufficient", "optional")
_USER = "user_"


class JaasError(ValueError):
    """What is wrong with the text, in words that hold nothing of it."""


class Module(NamedTuple):
    """A login module and its options."""

    name: str
    options: dict[str, str]

    @property
    def users(self) -> dict[str, str]:
        """Passwords by user, as `PlainLoginModule` has them."""
        return {name.removeprefix(_USER): text for name, text in self.options.items() if name.startswith(_USER)}

    def __repr__(self) -> str:
        return f"Module({self.name})"


def parse_jaas(text: str) -> Module:
    """The one module of the text; raises JaasError."""
    tokens = list(_tokens(text))
    if len(tokens) < 3 or tokens[1][1].lower() not in _FLAGS:
        raise JaasError("expected a login module, a control flag such as required, options NAME=VALUE and a semicolon")
    if tokens.pop() != ("sign", ";"):
        raise JaasError("expected a semicolon at the end")
    options: dict[str, str] = {}
    rest = iter(tokens[2:])
    for kind, name in rest:
        equals, value = next(rest, None), next(rest, None)
        if kind == "sign" or equals != ("sign", "=") or value is None or value[0] == "sign":
            raise JaasError(f"expected options NAME=VALUE; number {len(options) + 1} is none")
        options[name] = value[1]
    return Module(tokens[0][1], options)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise JaasError(f"character {at + 1} begins a quotation without an end")
        at = found.end()
        kind = found.lastgroup
        if kind == "quoted":
            yield "word", re.sub(r"\\(.)", r"\1", found[0][1:-1], flags=re.DOTALL)
        elif kind is not None:
            yield kind, found[0]
