//! What fails, how the side that deserves it is told, and that nobody else notices.

mod drivers;
mod limits;
mod metrics;
mod mysql;
mod parting;
mod refusals;
mod secrets;
mod strangers;
mod upstreams;

pub use mysql::PHRASES_OF_LOSS;

use crate::support::{Lull, Message, Wire, eventually};

/// A session that must go on, whatever happens beside it.
struct Bystander(Wire);

impl Bystander {
    fn at(lull: &Lull, database: &str) -> Self {
        Self(Wire::login(lull.address(), "app", database))
    }

    #[track_caller]
    fn goes_on(&mut self) {
        assert_eq!(
            self.0.value("SELECT 'undisturbed'").as_deref(),
            Some("undisturbed")
        );
    }
}

/// Severity, SQLSTATE and sentence.
#[track_caller]
fn said(error: Option<&Message>) -> (&str, &str, &str) {
    let error = error.expect("an error");
    let field = |code| error.field(code).expect("a field that every error has");
    (field(b'V'), field(b'C'), field(b'M'))
}

/// A counter that has moved by now; it is counted when the session has ended, which the client may see first.
#[track_caller]
fn counted(lull: &Lull, metric: &str) {
    eventually(&format!("{metric} is counted"), || {
        (lull.metric(metric) >= 1.0).then_some(())
    });
}

/// A line of the log that has all these words.
#[track_caller]
fn logged(lull: &Lull, words: &[&str]) {
    eventually(&format!("the log has a line with {words:?}"), || {
        lull.log()
            .lines()
            .any(|line| words.iter().all(|word| line.contains(word)))
            .then_some(())
    });
}
