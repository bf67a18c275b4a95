"""Patterns of clients: RE2's syntax, whole matches, and no pattern that takes forever."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbroker.patterns import InvalidPattern, Pattern


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("orders", ["orders"], ["orders2", "order", ""]),
        ("t.*", ["t", "t2", "topic"], ["at", ""]),
        ("a|b.", ["a", "bc"], ["b", "ab"]),
        ("(a|b)+c?", ["a", "abba", "abc"], ["c", ""]),
        ("(?:ab){2,3}", ["abab", "ababab"], ["ab", "abababab"]),
        ("a{0}b{2}c{1,}", ["bbc", "bbccc"], ["abbc", "bb"]),
        ("[a-c-]+[^x-z]", ["a-b", "--"], ["ax", "d"]),
        ("[]a]+", ["]a", "a"], ["b"]),
        (r"\w+\.\d{2}", ["orders.07"], ["orders-07", "orders.7"]),
        (r"[\w.]+[[:digit:]][[:^alpha:]]", ["a.1-"], ["a.1b"]),
        (r"\Qa.b*\E+", ["a.b*", "a.b**"], ["axb*"]),
        ("(?i)Order[s]", ["ORDERS", "orders"], ["order"]),
        ("a(?i:b)c", ["abc", "aBc"], ["aBC"]),
        ("(?i-i)a", ["a"], ["A"]),
        ("(?P<kind>a)(?<other>b)", ["ab"], ["a"]),
        ("^a$", ["a"], ["aa"]),
        (r"\Aa\z", ["a"], ["ba"]),
        (r"a\b-b\Bc", ["a-bc"], ["a-b", "ab-bc"]),
        ("(?m)a$\n^b", ["a\nb"], ["ab"]),
        ("a.b", ["a-b"], ["a\nb"]),
        ("(?s)a.b", ["a\nb"], ["ab"]),
        (r"\x41\x{42}\103\t", ["ABC\t"], ["ABC"]),
        (r"\pL\p{Nd}\P{L}\p{^L}", ["a1--"], ["11--", "a1aa"]),
        ("a{,2}x{y}", ["a{,2}x{y}"], ["aax"]),
        ("a??b*?c+?", ["c", "abbcc"], ["ab"]),
        ("", [""], ["a"]),
        ("(|a)b", ["b", "ab"], ["a"]),
        (r"\_\-\.", ["_-."], ["_-a"]),
    ],
)
def test_a_pattern_matches_the_whole_name(pattern: str, yes: list[str], no: list[str]) -> None:
    compiled = Pattern(pattern)
    assert [text for text in yes if not compiled.matches(text)] == []
    assert [text for text in no if compiled.matches(text)] == []


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a", "missing closing )"),
        ("a)", "unexpected )"),
        ("[a", "missing closing ]"),
        ("[", "missing closing ]"),
        ("[b-a]", "invalid character class range"),
        ("[[:nope:]]", "invalid character class range"),
        ("*", "missing argument to repetition operator"),
        ("|+", "missing argument to repetition operator"),
        ("a**", "invalid nested repetition operator"),
        ("a{1001}", "invalid repeat count"),
        ("a{3,2}", "invalid repeat count"),
        (r"(a)\1", "invalid escape sequence"),
        (r"\y", "invalid escape sequence"),
        (r"\x4", "invalid escape sequence"),
        (r"\x{110000}", "invalid escape sequence"),
        ("a\\", "trailing backslash at end of expression"),
        ("(?=a)", "invalid or unsupported Perl syntax"),
        ("(?!a)", "invalid or unsupported Perl syntax"),
        ("(?<=a)b", "invalid or unsupported Perl syntax"),
        ("(?<!a)b", "invalid or unsupported Perl syntax"),
        ("(?>a)", "invalid or unsupported Perl syntax"),
        ("(?", "invalid or unsupported Perl syntax"),
        ("(?P<a>x)(?P<a>y)", "duplicate capture group name"),
        ("(?P<>x)", "invalid named capture"),
        (r"\p{Klingon}", "invalid character class range"),
        ("((a{1000}){1000}){1000}", "expression too large"),
        ("(" * 300 + ")" * 300, "expression nests too deeply"),
    ],
)
def test_what_re2_refuses_is_refused_in_its_words(pattern: str, reason: str) -> None:
    with pytest.raises(InvalidPattern) as refused:
        Pattern(pattern)
    assert str(refused.value) == reason


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(a+)+b", "(.*a){12}b", "(a?){60}a{60}b"])
def test_no_pattern_takes_forever(pattern: str) -> None:
    """Each of these is the undoing of a matcher that goes back and tries again."""
    compiled = Pattern(pattern)
    assert not compiled.matches("a" * 249)
    assert compiled.matches("a" * 100 + "b")
    assert not compiled.found_in("a" * 5000)
    assert compiled.found_in("-" * 5000 + "a" * 100 + "b")


def _patterns() -> st.SearchStrategy[str]:
    atoms = st.sampled_from(["a", "b", "-", ".", "[ab]", "[^a]", r"\d", r"\w", "1", "^", "$", r"\b"])
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map("".join),
            st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
            st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "*?"])).map(
                lambda two: f"(?:{two[0]}){two[1]}"
            ),
        ),
        max_leaves=6,
    )


@settings(max_examples=400)
@given(_patterns(), st.text("ab1-", max_size=6))
def test_it_agrees_with_pythons_own_matcher_where_both_speak_the_same_language(pattern: str, text: str) -> None:
    assert Pattern(pattern).matches(text) == (re.fullmatch(pattern.replace("$", r"\Z"), text) is not None)


@settings(max_examples=400)
@given(_patterns(), st.text("ab1-", max_size=8))
def test_it_finds_what_pythons_own_matcher_finds(pattern: str, text: str) -> None:
    assert Pattern(pattern).found_in(text) == (re.search(pattern.replace("$", r"\Z"), text) is not None)


def test_what_was_found_out_about_a_text_is_kept_within_bounds() -> None:
    compiled = Pattern("x.y")
    everything = "".join(map(chr, range(0x3000, 0xA000)))
    assert not compiled.found_in(everything)
    assert compiled.found_in(everything + "x-y")


@settings(max_examples=300)
@given(st.text(max_size=12), st.text(max_size=6))
def test_any_text_is_a_pattern_or_refused(pattern: str, text: str) -> None:
    try:
        compiled = Pattern(pattern)
    except InvalidPattern:
        return
    assert compiled.matches(text) in (True, False)
