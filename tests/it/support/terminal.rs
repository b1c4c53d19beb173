//! A program on a terminal of its own (`terminal.py` has the terminal), at which a test types.

use super::places::{installed, project};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Terminal {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Terminal {
    pub fn run(program: &Command) -> Self {
        let mut child = Command::new("timeout")
            .args(["60", &installed("LULL_PYTHON")])
            .arg(project("tests/it/support/terminal.py"))
            .arg(program.get_program())
            .args(program.get_args())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the interpreter is installed");
        let to = child.stdin.take().expect("piped");
        let from = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, to, from }
    }

    /// What was asked for, and all that the program has written.
    #[track_caller]
    fn say(&mut self, what: &str) -> (String, String) {
        writeln!(self.to, "{what}").expect("it listens");
        let mut line = String::new();
        self.from.read_line(&mut line).expect("it answers");
        let answer = line
            .strip_prefix("ok ")
            .unwrap_or_else(|| panic!("{what}: {line}"));
        let (asked, written) = answer.split_once('\'').unwrap_or((answer, ""));
        (asked.trim().to_owned(), written.to_owned())
    }

    /// Waits until the program has written this, behind what was awaited before.
    #[track_caller]
    pub fn until(&mut self, text: &str) {
        self.say(&format!("until {text}"));
    }

    /// `\x03` is Ctrl-C, `\x04` Ctrl-D, `\n` Enter; written as such, in a raw string.
    #[track_caller]
    pub fn types(&mut self, keys: &str) {
        self.say(&format!("type {keys}"));
    }

    /// To the program alone, by its name without SIG.
    #[track_caller]
    pub fn signal(&mut self, name: &str) {
        self.say(&format!("signal {name}"));
    }

    #[track_caller]
    pub fn hang_up(&mut self) {
        self.say("hang up");
    }

    /// Waits for the program's end: its exit code (of a signal, the negated number), and all that it has written.
    #[track_caller]
    pub fn end(mut self) -> (i32, String) {
        let (code, written) = self.say("end");
        (code.parse().expect("a number"), written)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
