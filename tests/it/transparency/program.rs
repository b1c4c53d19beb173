//! Runs PostgreSQL's own programs: psql, pgbench, pg_basebackup.

use crate::support::Version;
use std::io::Read;
use std::process::{Child, Command, Output, Stdio};

/// A program of the newest version, which is bounded in time; not yet started.
pub fn newest(name: &str) -> Command {
    of(Version::Newest, name)
}

pub fn of(version: Version, name: &str) -> Command {
    let mut command = Command::new("timeout");
    command.arg("100").arg(version.program(name));
    // Neither the settings nor the passwords of whoever runs the tests.
    let own = std::env::vars().filter(|(name, _)| name.starts_with("PG"));
    own.for_each(|(name, _)| {
        command.env_remove(name);
    });
    command
        .env("LC_ALL", "C")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

/// Its output, which must be that of a success.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.output().expect("the program is installed");
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    text(&output)
}

/// Its output, which must be that of a failure.
#[track_caller]
pub fn fail(command: &mut Command) -> String {
    let output = command.output().expect("the program is installed");
    assert!(!output.status.success(), "{command:?}: {}", text(&output));
    text(&output)
}

fn text(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    format!("{text}{}", String::from_utf8_lossy(&output.stderr))
}

/// A program that goes on until it is told to end; it does not outlive the test.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().expect("the program is installed"))
    }

    /// As Ctrl-C does. `timeout` passes it on.
    #[track_caller]
    pub fn interrupt(&self) {
        let kill = Command::new("kill")
            .args(["-s", "INT", &self.0.id().to_string()])
            .status();
        assert!(kill.expect("kill runs").success());
    }

    /// Waits for its end; all that it has said.
    pub fn finish(mut self) -> String {
        let mut said = String::new();
        if let (Some(mut out), Some(mut err)) = (self.0.stdout.take(), self.0.stderr.take()) {
            out.read_to_string(&mut said).expect("text");
            err.read_to_string(&mut said).expect("text");
        }
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            // `timeout` passes this on to the program, and then ends.
            let _ = Command::new("kill")
                .args(["-s", "TERM", &self.0.id().to_string()])
                .status();
        }
        let _ = self.0.wait();
    }
}
