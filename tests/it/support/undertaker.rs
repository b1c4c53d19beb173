//! Ends what a test has started, and removes its directory, when the test process is gone, whatever made it go.
//!
//! A small shell waits at the end of a pipe that only the test process holds. When the pipe closes without a farewell, the
//! test process has died (or left by `exit`, as the test runner does, which drops no static): the shell ends the process
//! it was told of and removes the directory. It runs in a session of its own, so that Ctrl-C on the tests does not take it along.

use super::places::Account;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const SCRIPT: &str = r#"
pid=
while read -r word number name; do
    case $word in
        watch) pid=$number signal=$name ;;
        gone) pid= ;;
        farewell) exit 0 ;;
    esac
done
alive() { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; }
alive && kill -s "$signal" "$pid"
tries=0
while alive && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
alive && kill -s KILL "$pid"
rm -rf "$1" || { sleep 1; rm -rf "$1"; }
"#;

#[derive(Debug)]
pub struct Undertaker {
    shell: Child,
}

impl Undertaker {
    /// Is responsible for a directory from now on.
    pub fn of(directory: &Path, account: Account) -> Self {
        let mut command = Command::new("setsid");
        command
            .args(["sh", "-c", SCRIPT, "undertaker"])
            .arg(directory)
            .current_dir("/");
        run_as(&mut command, account);
        let command = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self {
            shell: command.spawn().expect("setsid and sh run"),
        }
    }

    /// Is responsible for this process too; `signal`, as `kill -s` names it, is how it is asked to end.
    pub fn watch(&mut self, pid: u32, signal: &str) {
        self.tell(&format!("watch {pid} {signal}"));
    }

    /// The process has been ended.
    pub fn gone(&mut self) {
        self.tell("gone");
    }

    fn tell(&mut self, line: &str) {
        if let Some(stdin) = &mut self.shell.stdin {
            let _ = writeln!(stdin, "{line}");
        }
    }
}

impl Drop for Undertaker {
    /// The directory has been removed.
    fn drop(&mut self) {
        self.tell("farewell");
        let _ = self.shell.wait();
    }
}

/// Lets a command run under another account, where that is not the own one.
pub fn run_as(command: &mut Command, account: Account) {
    if account != Account::own() {
        command.uid(account.uid).gid(account.gid);
    }
}
