//! The settings of a session that matter, and SET.

use super::{Refusal, Server};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub read_only: bool,
    pub autocommit: bool,
    pub track_schema: bool,
    pub track_transactions: String,
    pub track_variables: String,
    pub track_gtids: String,
    pub sql_mode: String,
    pub character_set: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            read_only: false,
            autocommit: true,
            track_schema: true,
            track_transactions: "OFF".to_owned(),
            track_variables: "autocommit,time_zone".to_owned(),
            track_gtids: "OFF".to_owned(),
            sql_mode: "STRICT_TRANS_TABLES".to_owned(),
            character_set: "utf8mb4".to_owned(),
        }
    }
}

impl Settings {
    pub(super) fn reports(&self, name: &str) -> bool {
        let is_it = |tracked: &str| tracked == "*" || tracked.eq_ignore_ascii_case(name);
        self.track_variables
            .split(',')
            .any(|tracked| is_it(tracked.trim()))
    }
}

fn on_or_off(value: bool) -> String {
    if value { "ON" } else { "OFF" }.to_owned()
}

/// Cuts at commas outside of quotes and brackets.
fn items(list: &str) -> Vec<&str> {
    let (mut found, mut start, mut quoted, mut depth) = (Vec::new(), 0, false, 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                found.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&list[start..]);
    found
}

impl Server {
    pub(super) fn read_only_variable(&self) -> &'static str {
        if self.traits.mariadb {
            "tx_read_only"
        } else {
            "transaction_read_only"
        }
    }

    /// The list behind SET.
    pub(super) fn set(&mut self, list: &str) -> Result<(), Refusal> {
        let mut assignments = Vec::new();
        for item in items(list) {
            let wrong = || (1064, "42000", "You have an error in your SQL syntax".to_owned());
            let (name, value) = item.split_once('=').ok_or_else(wrong)?;
            let name = name.trim().to_ascii_lowercase();
            let name = name
                .trim_start_matches("session ")
                .trim_start_matches("@@session.");
            let value = self.value(value.trim());
            self.check(name, &value)?;
            assignments.push((name.to_owned(), value));
        }
        for (name, value) in assignments {
            self.assign(&name, value);
        }
        Ok(())
    }

    /// Of an expression: a constant, a setting, a comparison with a pattern, or a function of such.
    fn value(&self, text: &str) -> String {
        if let Some((first, second)) = text.split_once(" OR ").filter(|_| !text.starts_with("IF(")) {
            let either = self.value(first) == "1" || self.value(second) == "1";
            return u8::from(either).to_string();
        }
        if let Some((value, pattern)) = text.split_once(" LIKE ").filter(|_| !text.contains('(')) {
            let part = pattern.trim_matches(['\'', '%']);
            return u8::from(self.value(value).contains(part)).to_string();
        }
        if let Some((name, list)) = text.split_once('(').filter(|_| text.ends_with(')')) {
            let list = items(list.strip_suffix(')').unwrap_or(list));
            return self.call(name, &list.into_iter().map(str::trim).collect::<Vec<_>>());
        }
        if let Some((first, second)) = text.split_once(" + ") {
            let number = |text: &str| self.value(text).parse::<u32>().unwrap_or(0);
            return (number(first) + number(second)).to_string();
        }
        match text.strip_prefix("@@session.") {
            Some(name) => self.setting(name),
            None => text.trim_matches('\'').to_owned(),
        }
    }

    /// Nothing stands for NULL.
    fn call(&self, name: &str, list: &[&str]) -> String {
        match (name, list) {
            ("IF", [condition, then, or]) => self.value(if self.value(condition) == "1" { then } else { or }),
            ("NULLIF", [value, other]) if self.value(value) == self.value(other) => String::new(),
            ("NULLIF", [value, _]) => self.value(value),
            ("CONCAT_WS", [between, parts @ ..]) => {
                let parts = parts.iter().map(|part| self.value(part));
                let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
                parts.join(&self.value(between))
            }
            _ => panic!("what is {name} of {list:?}?"),
        }
    }

    fn check(&self, name: &str, value: &str) -> Result<(), Refusal> {
        let in_transaction = self.transaction.as_ref().is_some_and(|open| open.goes_on);
        match name {
            "session_track_gtids" if !self.traits.mariadb && in_transaction => Err((
                1766,
                "HY000",
                "The system variable cannot be set when there is an ongoing transaction.".to_owned(),
            )),
            "session_track_gtids" if !self.traits.mariadb => Ok(()),
            "autocommit"
            | "sql_mode"
            | "character_set_client"
            | "session_track_schema"
            | "session_track_transaction_info"
            | "session_track_system_variables" => Ok(()),
            name if name == self.read_only_variable() && value == "2" => Err((
                1231,
                "42000",
                format!("Variable '{name}' can't be set to the value of '{value}'"),
            )),
            name if name == self.read_only_variable() || name.starts_with('@') => Ok(()),
            _ => Err((1193, "HY000", format!("Unknown system variable '{name}'"))),
        }
    }

    fn assign(&mut self, name: &str, value: String) {
        let default = value.eq_ignore_ascii_case("default");
        let is_on = value == "1" || value.eq_ignore_ascii_case("on");
        let configured = self.configured.clone();
        let (text, flag) = (
            |configured: String| if default { configured } else { value.clone() },
            |configured: bool| if default { configured } else { is_on },
        );
        match name {
            "autocommit" => self.set_autocommit(flag(configured.autocommit)),
            "sql_mode" => self.settings.sql_mode = text(configured.sql_mode),
            "character_set_client" => self.settings.character_set = text(configured.character_set),
            "session_track_schema" => self.settings.track_schema = flag(configured.track_schema),
            "session_track_gtids" => self.settings.track_gtids = text(configured.track_gtids),
            "session_track_system_variables" => {
                self.settings.track_variables = text(configured.track_variables);
            }
            "session_track_transaction_info" => {
                let value = text(configured.track_transactions);
                self.track_transactions(value);
            }
            name if name == self.read_only_variable() => {
                return self.set_read_only(flag(configured.read_only));
            }
            _ => {}
        }
        self.variable_changed(name, value);
    }

    pub(super) fn set_read_only(&mut self, read_only: bool) {
        self.settings.read_only = read_only;
        if self.transaction.is_none() {
            // What was said of the next transaction is over.
            self.next_read_only = None;
        }
        self.variable_changed(self.read_only_variable(), on_or_off(read_only));
    }

    /// What was not followed is not known: reports begin with nothing, of which MySQL does not even tell (measured).
    fn track_transactions(&mut self, value: String) {
        let begins = self.settings.track_transactions == "OFF" && value != "OFF";
        self.settings.track_transactions = value;
        self.changes.touched |= self.settings.track_transactions != "OFF";
        if begins {
            if let Some(open) = &mut self.transaction {
                (open.told_begun, open.told_read) = (false, false);
                (open.told_wrote, open.told_sent) = (false, false);
            }
            self.told_locks = false;
            "________".clone_into(&mut self.changes.letters);
            self.changes.forced = self.traits.mariadb;
        }
        if self.settings.track_transactions == "CHARACTERISTICS" {
            let open = self.transaction.as_ref();
            let known = open.is_some_and(|open| open.explicit && open.told_begun);
            self.changes.beginning = Some(if known { "START TRANSACTION;" } else { "" });
        }
    }

    fn set_autocommit(&mut self, on: bool) {
        if on && !self.settings.autocommit {
            self.commit(false);
        }
        self.settings.autocommit = on;
    }

    /// What lull asks: the database, and then settings in the order of their names in the text.
    pub(super) fn look(&self, text: &str) -> Vec<String> {
        let list = text.get(7..).unwrap_or_default().to_ascii_lowercase();
        let known = |name: &str| self.setting(name.trim().trim_start_matches("@@session."));
        items(&list).into_iter().map(known).collect()
    }

    fn setting(&self, name: &str) -> String {
        match name {
            "database()" => self.database.clone(),
            "sql_mode" => self.settings.sql_mode.clone(),
            "character_set_client" => self.settings.character_set.clone(),
            "session_track_schema" => u8::from(self.settings.track_schema).to_string(),
            "session_track_transaction_info" => self.settings.track_transactions.clone(),
            "session_track_system_variables" => self.settings.track_variables.clone(),
            "session_track_gtids" => self.settings.track_gtids.clone(),
            name if name == self.read_only_variable() => u8::from(self.settings.read_only).to_string(),
            _ => String::new(),
        }
    }
}
