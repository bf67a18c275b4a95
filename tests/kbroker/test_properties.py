"""Java's properties: what `java.util.Properties` reads from the same lines."""

from kbroker.properties import parse_properties


def test_names_values_and_remarks() -> None:
    text = "# remark\n! another\na=1\nb : 2\nc 3\n  d =\ne\n\nf=x=y:z\n"
    assert parse_properties(text) == {"a": "1", "b": "2", "c": "3", "d": "", "e": "", "f": "x=y:z"}


def test_a_backslash_goes_on_in_the_next_line_and_takes_what_follows_it() -> None:
    assert parse_properties("a=one, \\\n    two\nb=C\\:\\\\dir\nwith\\ space=\\u00fc\nend=x\\\\\nz=1") == {
        "a": "one, two",
        "b": "C:\\dir",
        "with space": "ü",
        "end": "x\\",
        "z": "1",
    }


def test_the_last_of_a_name_counts() -> None:
    assert parse_properties("a=1\na=2") == {"a": "2"}
