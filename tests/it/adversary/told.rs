//! Stories that are told side by side, each by a session of its own, in one lull on each version; and, to show that they are
//! able to change something, around lull.

use super::ground::NAIVE_GUARD;
use crate::support::{Database, Lull, Observer, Postgres, Version, Wire};

type Act = Box<dyn Fn(&mut Wire)>;

/// What becomes of a story where no lull is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Around {
    /// It changes something, although its session's default was set read-only, as a naive proxy does, when it began.
    ComesOut,
    /// It changes something where nothing is in its way: its transaction was open before, or it only writes.
    Writes,
    /// Nothing. It is told because it could be misread.
    Nothing,
}

/// Takes away what stories make. Rows that are there twice would keep the next from being made.
const RESTORE: &str = "DELETE FROM t WHERE id > 40; SELECT lo_unlink(oid) FROM pg_largeobject_metadata; \
                       SET ROLE app; SELECT lo_create(4711)";

struct Story {
    name: String,
    around: Around,
    before: Act,
    within: Act,
}

#[derive(Default)]
pub(super) struct Told {
    stories: Vec<Story>,
}

impl Told {
    /// `before` is what the session did before the lull, `within` what it does in it.
    pub(super) fn add(
        &mut self,
        (name, around): (&str, Around),
        before: impl Fn(&mut Wire) + 'static,
        within: impl Fn(&mut Wire) + 'static,
    ) {
        self.stories.push(Story {
            name: name.to_owned(),
            around,
            before: Box::new(before),
            within: Box::new(within),
        });
    }

    /// None of them changes anything in a lull, and each does around it what it says, on one version at least: what the newest
    /// server guards by itself must be refused on the others. A session whose transaction has written is aborted when the lull
    /// opens.
    #[track_caller]
    pub(super) fn nothing_changes(self) {
        let (mut through, mut wrong) = (Vec::new(), vec![0; self.stories.len()]);
        for version in Version::ALL {
            let server = Postgres::shared(version);
            let db = server.database();
            db.run(&super::ground());
            let named = |found: String| format!("{version:?}: {found}");
            through.extend(self.ways_out(&db).into_iter().map(named));
            let mut observer = Observer::of(&db);
            for (story, times) in self.stories.iter().zip(&mut wrong) {
                let changes = story.changes_around_lull(&mut observer, &db);
                *times += usize::from(changes == (story.around == Around::Nothing));
            }
        }
        assert!(
            through.is_empty(),
            "{} ways out:\n{}",
            through.len(),
            through.join("\n")
        );
        let wrong = self
            .stories
            .iter()
            .zip(wrong)
            .filter(|(story, times)| match story.around {
                Around::Nothing => *times > 0,
                _ => *times == Version::ALL.len(),
            });
        let names: Vec<_> = wrong.map(|(story, _)| (&story.name, story.around)).collect();
        assert!(names.is_empty(), "these prove nothing: {names:#?}");
    }

    fn ways_out(&self, db: &Database<'static>) -> Vec<String> {
        let mut found = Vec::new();
        let lull = Lull::start(db.server);
        let mut clients = Vec::new();
        for story in &self.stories {
            let mut client = Wire::login(lull.address(), "app", &db.name);
            (story.before)(&mut client);
            clients.push(client);
        }
        // Somebody must be there for the audit to ask.
        let _idle = Wire::login(lull.address(), "app", &db.name);
        lull.fenced("all", &["--drain", "200ms", "--stragglers", "abort"]);
        let mut observer = Observer::of(db);
        let mut seen = observer.fingerprint();
        for (story, mut client) in self.stories.iter().zip(clients) {
            (story.within)(&mut client);
            let now = observer.fingerprint();
            let changes = seen.changes(&now);
            if !changes.is_empty() {
                found.push(format!("{}\n    {}", story.name, changes.join("\n    ")));
            }
            seen = now;
        }
        found
    }
}

impl Story {
    fn changes_around_lull(&self, observer: &mut Observer<'_>, db: &Database<'_>) -> bool {
        db.superuser().run(RESTORE);
        let mut client = db.owner();
        (self.before)(&mut client);
        if self.around == Around::ComesOut {
            client.run(NAIVE_GUARD);
        }
        let seen = observer.fingerprint();
        (self.within)(&mut client);
        !seen.changes(&observer.fingerprint()).is_empty()
    }
}
