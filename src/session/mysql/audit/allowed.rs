//! What the operator allows by name: "database.routine", "database.view", "database.table" (with its triggers and
//! foreign keys), or "routine" in whatever database.

use std::collections::BTreeSet;

#[derive(Debug, Default, Clone)]
pub(super) struct Allowed {
    /// In lower case, as names are compared.
    names: BTreeSet<Vec<u8>>,
}

impl Allowed {
    pub(super) fn new(list: &[String]) -> Self {
        let plain = |entry: &String| entry.trim().replace(['`', '"'], "").to_ascii_lowercase();
        Self {
            names: list.iter().map(plain).map(String::into_bytes).collect(),
        }
    }

    pub(super) fn object(&self, database: &[u8], name: &[u8]) -> bool {
        let bare = name.to_ascii_lowercase();
        let full = [&database.to_ascii_lowercase()[..], b".", &bare].concat();
        self.names.contains(&bare) || self.names.contains(&full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_allowed_by_its_name_with_or_without_its_database() {
        let list = ["shop.f".to_owned(), " `Crm`.`G` ".to_owned(), "h".to_owned()];
        let allowed = Allowed::new(&list);
        assert!(allowed.object(b"shop", b"F"));
        assert!(!allowed.object(b"crm", b"f"));
        assert!(allowed.object(b"crm", b"g"));
        assert!(allowed.object(b"anything", b"h"));
    }
}
