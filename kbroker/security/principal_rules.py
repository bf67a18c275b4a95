"""`ssl.principal.mapping.rules`: from the name in a certificate to that of a principal (KIP-371).

    RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,RULE:^CN=(.*?),.*$/$1/L,DEFAULT

Rules are tried in order; a pattern has to match the whole name. `$1` is its first group, and L or U at the end make the
result lower or upper case. DEFAULT is the name as it is. Patterns come from the operator, not from clients.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_RULE = re.compile(r"\s*(?:(DEFAULT)|RULE:((?:\\.|[^\\/])*)/((?:\\.|[^\\/])*)/([LU]?))\s*(?:,|$)")
_GROUP = re.compile(r"\$(\d)")

Rule = Callable[[str], str | None]


class PrincipalRules:
    """The rules, ready to be applied."""

    def __init__(self, text: str) -> None:
        """Raises ValueError, whose text names the rule that is none."""
        self._rules: list[Rule] = []
        at = 0
        text = text.strip() or "DEFAULT"
        while at < len(text):
            found = _RULE.match(text, at)
            if found is None:
                raise ValueError(f"Invalid rule: `{text[at:]}`")
            at = found.end()
            self._rules.append(_default if found[1] else _rule(found[2], found[3], found[4]))

    def name(self, distinguished_name: str) -> str | None:
        """The principal's name; None if no rule applies."""
        for rule in self._rules:
            name = rule(distinguished_name)
            if name is not None:
                return name
        return None


def _default(name: str) -> str | None:
    return name


def _rule(pattern: str, replacement: str, case: str) -> Rule:
    try:
        compiled = re.compile(pattern.replace("\\/", "/"))
    except re.error as error:
        raise ValueError(f"Invalid rule: `{pattern}`: {error}") from None
    if any(int(number) > compiled.groups for number in _GROUP.findall(replacement)):
        raise ValueError(f"Invalid rule: `{pattern}` has {compiled.groups} groups, but there is {replacement}")

    def apply(name: str) -> str | None:
        found = compiled.fullmatch(name)
        if found is None:
            return None
        result = _GROUP.sub(lambda group: found[int(group[1])] or "", replacement.replace("\\/", "/"))
        return result.lower() if case == "L" else result.upper() if case == "U" else result

    return apply
