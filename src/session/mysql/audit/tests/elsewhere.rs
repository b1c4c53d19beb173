//! Other databases: those that are asked for by name, and what only their own sessions can see.

use super::*;

#[test]
fn what_is_asked_for_by_name_is_followed_too() {
    let names: Vec<&'static str> = (0..100).map(|n| &*format!("site_{n}").leak()).collect();
    let mut catalogs = Catalogs::seeing(&names).trigger("site_8.t", "INSERT INTO site_9.t VALUES (1)");
    catalogs.beforehand.also = ["site_8".to_owned()].into();
    let outcome = catalogs.audit();
    assert!(outcome.reaches("site_9", "INSERT INTO site_8.t VALUES (1)"));
    let text = "INSERT INTO site_8.t VALUES (1)";
    assert!(outcome.audited.unknown(text.as_bytes(), &script(text)).is_empty());
}

#[test]
fn foreign_keys_that_only_others_can_see_are_followed() {
    let follows = |child: &str, parent: &str| {
        let pair = |name: &str| {
            let (database, name) = split(name);
            (database.as_bytes().to_vec(), name.as_bytes().to_vec())
        };
        Follows {
            parent: pair(parent),
            child: pair(child),
        }
    };
    let mut catalogs = Catalogs::default().trigger("erp.orders", "DELETE FROM parts");
    catalogs.beforehand.follows = vec![
        follows("hidden.pieces", "erp.parts"),
        follows("shop.lines", "hidden.pieces"),
    ];
    let outcome = catalogs.audit();
    assert!(outcome.reaches("shop", "DELETE FROM parts"));
    assert!(outcome.reaches("shop", "DELETE FROM orders"));
    assert!(!outcome.reaches("shop", "DELETE FROM others"));
    assert_eq!(outcome.follows, [], "it is the others' to tell");
    let mut catalogs = Catalogs::default();
    catalogs
        .rows
        .push(("erp", foreign_key("erp.parts", "shop.goods", "CASCADE")));
    assert_eq!(catalogs.audit().follows, [follows("erp.parts", "shop.goods")]);
}

#[test]
fn what_hides_in_another_database_is_refused_where_that_is_named() {
    let outcome = Catalogs::seeing(&["crm"])
        .function("crm.lift", "BEGIN SET SESSION tx_read_only = 0; RETURN 1; END")
        .view("crm.v", "select `crm`.`lift`() AS `x`")
        .function("crm.fine", "RETURN 1")
        .audit();
    let hidden = |text: &str| outcome.audited.hidden(text.as_bytes(), &script(text));
    assert_eq!(hidden("SELECT crm.lift()").as_deref(), Some("crm.lift"));
    assert_eq!(hidden("SELECT * FROM `crm`.V").as_deref(), Some("crm.v"));
    assert_eq!(hidden("SELECT crm.fine()"), None);
    assert_eq!(hidden("SELECT lift()"), None, "it is another one here");
}
