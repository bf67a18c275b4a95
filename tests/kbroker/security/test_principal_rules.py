"""`ssl.principal.mapping.rules`, with the examples of KIP-371 and of Kafka's documentation."""

import pytest

from kbroker.security.principal_rules import PrincipalRules

RULES = (
    "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,"
    "RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L,"
    "RULE:^cn=(.*?),ou=(.*?),dc=(.*?),dc=(.*?)$/$1@$2/U,"
    "RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/L,DEFAULT"
)


@pytest.mark.parametrize(
    ("name", "principal"),
    [
        ("CN=Duke,OU=ServiceUsers,O=Org,C=US", "Duke"),
        ("CN=Duke,OU=SME,O=mycp,L=Fulton,ST=MD,C=US", "duke@sme"),
        ("cn=duke,ou=sme,dc=mycp,dc=com", "DUKE@SME"),
        ("CN=Jane.Doe,O=mycp", "jane.doe"),
        ("OU=JavaSoft,O=Sun Microsystems,C=US", "OU=JavaSoft,O=Sun Microsystems,C=US"),
    ],
)
def test_the_first_rule_that_matches_counts(name: str, principal: str) -> None:
    assert PrincipalRules(RULES).name(name) == principal


@pytest.mark.parametrize("text", ["", "DEFAULT", " DEFAULT "])
def test_by_default_the_name_stays(text: str) -> None:
    assert PrincipalRules(text).name("CN=a,O=b") == "CN=a,O=b"


def test_without_default_a_name_may_have_no_principal() -> None:
    assert PrincipalRules("RULE:^CN=(.*?),O=c$/$1/").name("CN=a,O=b") is None


def test_slashes_may_be_escaped() -> None:
    assert PrincipalRules(r"RULE:^CN=a\/(.*)$/x\/$1/").name("CN=a/b") == "x/b"


@pytest.mark.parametrize("text", ["nonsense", "RULE:a", "RULE:(/$1/", "RULE:a/$1/", "RULE:^CN=(.*)$/$1/X", "DEFAULT x"])
def test_what_is_no_rule_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="Invalid rule"):
        PrincipalRules(text)
