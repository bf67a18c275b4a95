"""Kerberos principals and the users that rules make of them: what Kafka 4.3.1's own KerberosShortNamer says."""

import pytest

from kbroker.security.local_names import LocalNames

PRINCIPALS = [
    "alice@HOME", "Alice@HOME", "alice/admin@HOME", "bob@OTHER.ORG", "Alice/x@OTHER.ORG", "alice", "a/b", "a/b/c@HOME",
    "@HOME", "a@b@c", "root/admin@X",
]  # fmt: skip
# the rules, and the name of each principal in the default realm HOME; - is none
KAFKA = (
    ("DEFAULT", "alice Alice alice - - alice a/b - (empty) - -"),
    ("RULE:[1:$1](.*)s/^a.*$/X/g|DEFAULT", "X Alice alice bob - alice a/b - (empty) - -"),
    ("RULE:[1:$1@$0](.*@OTHER.ORG)s/@.*//|DEFAULT", "alice Alice alice bob - alice a/b - (empty) - -"),
    ("RULE:[2:$1/$2@$0](.*)s/a/b/g/U", "- - - - - alice a/b - - - -"),
    ("RULE:[2:$1]", "- - alice - Alice alice a/b - - - root"),
    ("RULE:[2:$2.$1](.*admin)s/(.*)\\.(.*)/$2-$1/L", "- - - - - alice a/b - - - -"),
    ("RULE:[1:$1]/U", "ALICE ALICE - BOB - alice a/b - (empty) - -"),
    ("RULE:[1:$1]/L", "alice alice - bob - alice a/b - (empty) - -"),
    ("RULE:[1:$1]U", "ALICE ALICE - BOB - alice a/b - (empty) - -"),
    ("RULE:[0:x]", "- - - - - alice a/b - - - -"),
    ("RULE:[2:$1;$2](^.*;admin$)s/;admin$//", "- - alice - - alice a/b - - - root"),
    ("RULE:[1:$0-$1]", "HOME-alice HOME-Alice - OTHER.ORG-bob - alice a/b - HOME- - -"),
    ("RULE:[1:$1](Alice)s///", "- Alice - - - alice a/b - - - -"),
    ("", "- - - - - alice a/b - - - -"),
)


@pytest.mark.parametrize(("rules", "names"), KAFKA)
def test_rules_make_the_names_that_they_make_in_kafka(rules: str, names: str) -> None:
    made = LocalNames(rules.split("|") if rules else [])
    expected = [{"-": None, "(empty)": ""}.get(name, name) for name in names.split()]
    assert [made.name(principal, "HOME") for principal in PRINCIPALS] == expected


@pytest.mark.parametrize(
    "rule",
    [
        "nonsense", "", "DEFAULT/L", "RULE:[1:$1](a", "RULE:[1:$1](.*)s/a/b", "RULE:[1:$1](([a)s/x//", "RULE:[1:$2]",
        "RULE:[1:$1](.*)s/a/$1/", "RULE:[:$1]", "RULE:[1:$1]/X",
    ],
)  # fmt: skip
def test_what_is_no_rule_is_told_at_the_start(rule: str) -> None:
    with pytest.raises(ValueError, match="Invalid rule: "):
        LocalNames([rule])
