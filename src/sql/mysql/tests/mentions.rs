//! Which names a body has, and which of them must be databases.

use super::*;

fn found(text: &str) -> Mentions {
    let [a, b] = BOTH.map(|dialect| mentions(text.as_bytes(), dialect).unwrap());
    assert_eq!(a, b, "{text}");
    a
}

#[test]
fn every_identifier_counts_but_what_stands_in_texts_and_comments_does_not() {
    let found = found("UPDATE `T1` SET n = @x /* t2 */ WHERE m = 'T3' AND @@session.t4 = Käse");
    for name in ["t1", "n", "m", "käse"] {
        assert!(found.identifiers.contains(name.as_bytes()), "{name}");
    }
    for name in ["t2", "t3", "x", "session", "t4"] {
        assert!(!found.qualifiers.contains(name.as_bytes()), "{name}");
    }
    assert!(!found.identifiers.contains(&b"t3"[..]));
}

#[test]
fn a_qualifier_is_a_database_where_nothing_else_fits() {
    let certain = [
        "SELECT shop.t.n FROM x",
        "SELECT shop.f()",
        "INSERT INTO `shop`.t VALUES (1)",
        "UPDATE shop.t SET n = 1",
        "SELECT 1 FROM a JOIN shop.t",
        "CALL shop.p",
    ];
    for text in certain {
        assert!(found(text).databases.contains(&b"shop"[..]), "{text}");
    }
    let alias = found("SELECT shop.n FROM t shop");
    assert!(alias.qualifiers.contains(&b"shop"[..]) && alias.declared.contains(&b"shop"[..]));
    assert!(alias.databases.is_empty());
    let plain = found("SELECT n FROM shop.t");
    assert!(plain.qualifiers.contains(&b"shop"[..]) && !plain.declared.contains(&b"shop"[..]));
}

#[test]
fn names_are_the_same_where_the_server_may_think_so() {
    for (a, b) in [("f", "F"), ("größe", "GRÖSSE"), ("cafe", "café"), ("äx", "Äx")] {
        assert!(may_be_same(a.as_bytes(), b.as_bytes()), "{a} {b}");
        assert!(may_be_same(b.as_bytes(), a.as_bytes()), "{b} {a}");
    }
    assert!(!may_be_same(b"f", b"g"));
    assert!(!may_be_same("cafés".as_bytes(), b"coffee"));
}

#[test]
fn a_text_without_end_has_no_names() {
    assert_eq!(mentions(b"SELECT 'x", MARIADB), None);
}
