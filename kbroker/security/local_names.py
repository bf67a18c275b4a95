"""`sasl.kerberos.principal.to.local.rules`: from a Kerberos principal to the name of a user (Kafka's `KerberosRule`).

    DEFAULT                                       alice@REALM and alice/host@REALM are alice in the default realm
    RULE:[1:$1@$0](.*@OTHER\\.ORG)s/@.*//          of what has one component: put together, held against, replaced
    RULE:[2:$1](admin)s/^.*$/root/L               of two (a service and its host); /L or /U for the case, /g for all

`$0` is the realm, `$1` and `$2` the components. The first rule that applies counts. A result that still has a slash or
an at sign in it is no name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_PRINCIPAL = re.compile(r"([^/@]*)(?:/([^/@]*))?@([^/@]*)")
_RULE = re.compile(r"(?:DEFAULT|RULE:\[(\d*):([^\]]*)\](?:\(([^)]*)\))?(?:s/([^/]*)/([^/]*)/(g)?)?/?(L|U)?)", re.ASCII)
_PART = re.compile(r"\$(\d)", re.ASCII)
_DEFAULT = -1  # components


class _Rule(NamedTuple):
    components: int
    form: str
    match: re.Pattern[str] | None
    sought: re.Pattern[str] | None
    instead: str
    everywhere: bool
    case: str

    def apply(self, parts: Sequence[str], default_realm: str) -> str | None:
        if self.components == _DEFAULT:
            return parts[1] if parts[0] == default_realm else None
        if self.components != len(parts) - 1:
            return None
        text = _PART.sub(lambda part: parts[int(part[1])], self.form)
        if self.match is not None and not self.match.fullmatch(text):
            return None
        if self.sought is not None:
            text = self.sought.sub(self._replacement, text, 0 if self.everywhere else 1)
        return text.lower() if self.case == "L" else text.upper() if self.case == "U" else text

    def _replacement(self, found: re.Match[str]) -> str:
        return _PART.sub(lambda group: found[int(group[1])] or "", self.instead)


class LocalNames:
    """The rules, ready to be applied."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Raises ValueError, whose text names the rule that is none."""
        self._rules = [_rule(text.strip()) for text in texts]

    def name(self, principal: str, default_realm: str) -> str | None:
        """The user's name; None if no rule makes one."""
        found = _PRINCIPAL.fullmatch(principal)
        if found is None:
            return None if "@" in principal else principal
        service, host, realm = found.groups()
        parts = [realm, service] if host is None else [realm, service, host]
        for rule in self._rules:
            name = rule.apply(parts, default_realm)
            if name is not None:
                return None if "/" in name or "@" in name else name
        return None


def _rule(text: str) -> _Rule:
    found = _RULE.fullmatch(text)
    if found is None or (text != "DEFAULT" and not found[1]):
        raise ValueError(f"Invalid rule: {text}")
    if text == "DEFAULT":
        return _Rule(_DEFAULT, "", None, None, "", False, "")
    components, form, match, sought, instead, everywhere, case = found.groups()
    count = int(components)
    if any(int(number) > count for number in _PART.findall(form)):
        raise ValueError(f"Invalid rule: {text} has {count} components, but there is {form}")
    try:
        held, looked_for = [None if one is None else re.compile(one) for one in (match, sought)]
    except re.error as error:
        raise ValueError(f"Invalid rule: {text}: {error}") from None
    if looked_for is not None and any(int(number) > looked_for.groups for number in _PART.findall(instead)):
        raise ValueError(f"Invalid rule: {text} has {looked_for.groups} groups, but there is {instead}")
    return _Rule(count, form, held, looked_for, instead or "", bool(everywhere), case or "")
