//! Ctrl-C while `lull on` waits on a terminal: it asks whether to keep the lull or to take it back, and leaves nobody in
//! doubt about which it was.

use super::{Ground, lulls};
use crate::support::terminal::Terminal;
use crate::support::{Postgres, Version, Wire, eventually};

const QUESTION: &str = "Keep the lull (k) or take it back (t)?";
const CTRL_C: &str = r"\x03";
const CTRL_D: &str = r"\x04";

/// Exit codes of the contract.
const FENCED: i32 = 0;
const NOT_FENCED: i32 = 3;

/// `lull on` at a terminal, which waits for a writer.
struct Waiting {
    ground: Ground,
    writer: Wire,
    terminal: Terminal,
}

impl Waiting {
    #[track_caller]
    fn begun(arguments: &[&str]) -> Self {
        let ground = Ground::on(Postgres::shared(Version::Newest));
        let mut writer = ground.client();
        writer.run("BEGIN; INSERT INTO t VALUES (1)");
        Self::with(ground, writer, arguments)
    }

    #[track_caller]
    fn with(ground: Ground, writer: Wire, arguments: &[&str]) -> Self {
        let generation = || ground.lull.status_json()["generation"].as_u64();
        let before = generation();
        let command = ground
            .lull
            .command(&[&["on", "--drain", "60s"], arguments].concat());
        let terminal = Terminal::run(&command);
        eventually("lull on waits", || {
            (generation() > before && ground.stragglers() == 1).then_some(())
        });
        Self {
            ground,
            writer,
            terminal,
        }
    }

    /// The same, asked once.
    #[track_caller]
    fn asked() -> Self {
        let mut waiting = Self::begun(&[]);
        waiting.types(CTRL_C);
        waiting.terminal.until(QUESTION);
        waiting
    }

    fn types(&mut self, keys: &str) {
        self.terminal.types(keys);
    }

    /// It ends without a fence, and says so; the lull is not open any more, and the writer goes on.
    #[track_caller]
    fn was_taken_back(self) {
        let Self {
            ground,
            mut writer,
            terminal,
        } = self;
        let (code, written) = terminal.end();
        assert_eq!(code, NOT_FENCED, "{written}");
        assert!(written.contains("was taken back"), "{written}");
        assert_eq!(lulls(&ground.lull), Vec::<String>::new(), "{written}");
        writer.run("INSERT INTO t VALUES (2)");
        writer.run("COMMIT");
        writer.run("INSERT INTO t VALUES (3)");
        assert_eq!(ground.rows(), "1,2,3");
    }

    /// It ends without a fence, and says so; the lull stays open, and takes the writer in when that has finished.
    #[track_caller]
    fn was_kept(self) -> Ground {
        let Self {
            ground,
            mut writer,
            terminal,
        } = self;
        let (code, written) = terminal.end();
        assert_eq!(code, NOT_FENCED, "{written}");
        assert!(written.contains("stays open"), "{written}");
        assert_eq!(lulls(&ground.lull), ["all"], "{written}");
        writer.run("COMMIT");
        let refused = writer.query("INSERT INTO t VALUES (2)");
        assert_eq!(refused.error_code(), Some("25006"));
        ground
    }
}

#[test]
fn ctrl_c_asks_and_k_keeps_the_lull_and_its_drain_goes_on() {
    for answer in [r"k\n", r"KEEP\n", r" keep \n"] {
        let mut waiting = Waiting::asked();
        waiting.types(answer);
        let ground = waiting.was_kept();
        eventually("the fence of the lull that was kept", || {
            let status = ground.lull.status_json();
            (status["fences"][0]["reached"] == true).then_some(())
        });
    }
}

#[test]
fn ctrl_c_asks_and_t_takes_the_lull_back() {
    for answer in [r"t\n", r"Take\n"] {
        let mut waiting = Waiting::asked();
        waiting.types(answer);
        waiting.was_taken_back();
    }
}

#[test]
fn an_end_of_input_and_a_second_ctrl_c_take_the_lull_back() {
    for answer in [CTRL_D, CTRL_C] {
        let mut waiting = Waiting::asked();
        waiting.types(answer);
        waiting.was_taken_back();
    }
}

#[test]
fn an_answer_that_is_none_is_asked_for_again() {
    let mut waiting = Waiting::asked();
    for answer in [r"\n", r"yes\n", r"kt\n"] {
        waiting.types(answer);
        waiting.terminal.until(QUESTION);
    }
    waiting.types(r"k\n");
    waiting.was_kept();
}

#[test]
fn sigterm_takes_the_lull_back_with_and_without_a_question_on_the_terminal() {
    for mut waiting in [Waiting::asked(), Waiting::begun(&[])] {
        waiting.terminal.signal("TERM");
        waiting.was_taken_back();
    }
}

#[test]
fn a_terminal_that_goes_away_takes_the_lull_with_it() {
    for waiting in [Waiting::asked(), Waiting::begun(&[])] {
        let Waiting {
            ground, mut terminal, ..
        } = waiting;
        terminal.hang_up();
        terminal.end();
        eventually("the lull is taken back", || {
            lulls(&ground.lull).is_empty().then_some(())
        });
    }
}

#[test]
fn a_fence_that_is_reached_while_the_question_stands_answers_it() {
    for json in [false, true] {
        let mut waiting = Waiting::begun(if json { &["--json"] } else { &[] });
        waiting.types(CTRL_C);
        waiting.terminal.until(QUESTION);
        waiting.writer.run("COMMIT");
        let (code, written) = waiting.terminal.end();
        assert_eq!(code, FENCED, "{written}");
        assert_eq!(written.contains("\"fenced\":true"), json, "{written}");
        assert_eq!(lulls(&waiting.ground.lull), ["all"]);
    }
}

/// Somebody else's migration may be running in it.
#[test]
fn taking_back_leaves_a_lull_open_that_was_open_before() {
    let ground = Ground::on(Postgres::shared(Version::Newest));
    let mut writer = ground.client();
    writer.run("BEGIN; INSERT INTO t VALUES (1)");
    let first = ground
        .lull
        .on("all", &["--drain", "100ms", "--stragglers", "report"]);
    assert_eq!(first.status.code(), Some(NOT_FENCED), "{first:?}");
    let mut waiting = Waiting::with(ground, writer, &["--reason", "again"]);
    waiting.types(CTRL_C);
    waiting.terminal.until(QUESTION);
    waiting.types(r"t\n");
    waiting.was_kept();
}
