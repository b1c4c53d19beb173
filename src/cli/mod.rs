//! The command line: what can be typed, and which exit code scripts see.
//!
//! `lull on` and its kin are clients of the admin socket and know nothing else of lull. Answers go to standard output,
//! in one JSON line with `--json`; progress and complaints go to standard error.

mod check;
mod find;
mod on;
mod operate;
mod output;
mod serve;
mod text;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, error::ErrorKind};

use crate::config::{Address, parse_duration};

/// Part of the operator's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// For `on`: fenced.
    Done,
    /// `serve` could not start, or broke.
    Broken,
    Usage,
    FenceNotReached,
    Unreachable,
    /// Unknown cluster, malformed scope, not allowed, or a configuration that would not work.
    Refused,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Broken => 1,
            Self::Usage => 2,
            Self::FenceNotReached => 3,
            Self::Unreachable => 4,
            Self::Refused => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[derive(Debug, Parser)]
#[command(name = "lull", version, about = "A database proxy with a read-only switch that holds", after_help = EXIT_CODES)]
struct Line {
    /// The admin socket of the lull that is meant; LULL_ADMIN says the same
    #[arg(long, global = true, value_name = "PATH")]
    admin: Option<PathBuf>,
    /// Answer in one JSON line (for `serve`: log in JSON)
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Verb,
}

const EXIT_CODES: &str = "\
A SCOPE is all (the default), CLUSTER, CLUSTER/DATABASE, CLUSTER/DATABASE@USER or CLUSTER/*@USER.
Exit codes: 0 done (for `on`: fenced), 1 `serve` broke, 2 usage, 3 fence not reached, 4 lull cannot be
reached, 5 refused.";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the proxy
    Serve(Serve),
    /// Read a configuration and say what would not work
    Check {
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Open a lull; returns when no write can happen any more
    On(On),
    /// Close a lull
    Off {
        #[arg(default_value = "all")]
        scope: String,
    },
    /// Lulls, fences, sessions by mode, stragglers
    Status {
        #[arg(default_value = "all")]
        scope: String,
    },
    /// Every session
    Sessions,
    /// Make another server a cluster's primary
    Repoint(Repoint),
    /// Read the configuration and the certificates again
    Reload,
    /// Stop the proxy; open lulls stay open for the next start
    Shutdown,
}

#[derive(Debug, Args)]
struct Serve {
    #[arg(long, value_name = "FILE", required_unless_present_any = ["postgres", "mysql"])]
    config: Option<PathBuf>,
    /// The PostgreSQL server, in place of a file: one cluster, named main
    #[arg(long, value_name = "ADDRESS", requires = "listen", conflicts_with = "config")]
    postgres: Option<Address>,
    /// The MySQL or MariaDB server, in place of a file
    #[arg(long, value_name = "ADDRESS", requires = "listen", conflicts_with_all = ["config", "postgres"])]
    mysql: Option<Address>,
    /// A replica of the server, for lulls with --mode replica
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["config", "mysql"])]
    replica: Vec<Address>,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS", conflicts_with = "config")]
    listen: Vec<Address>,
    /// Where a lull touches nobody: the migration's own way in
    #[arg(long, value_name = "ADDRESS", conflicts_with = "config")]
    bypass: Vec<Address>,
    /// Where /metrics, /healthz and /readyz are
    #[arg(long, value_name = "IP:PORT", conflicts_with = "config")]
    metrics: Option<std::net::SocketAddr>,
    /// Where open lulls are kept, so that they survive a restart
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    state: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct On {
    #[arg(default_value = "all")]
    scope: String,
    /// Why; clients read it in every refusal
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// How long writers may take to finish
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    drain: Duration,
    /// What happens to those that have not
    #[arg(long, value_name = "POLICY", default_value = "abort")]
    stragglers: Policy,
    /// The lull ends by itself after this time
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    lasts: Option<Duration>,
    /// Whether transactions prepared for two-phase commit keep the fence from being reached
    #[arg(long, value_name = "POLICY", default_value = "block")]
    prepared: Prepared,
    /// Where reads go on
    #[arg(long, value_name = "MODE", default_value = "read-only")]
    mode: ReadsOn,
    /// How long a replica may take to come as far as the fence
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    catch_up: Duration,
    /// What becomes of reads when no replica does
    #[arg(long, value_name = "POLICY", default_value = "primary")]
    fallback: Fallback,
    /// What becomes of sessions that have what no replica can be given
    #[arg(long, value_name = "POLICY", default_value = "stay")]
    unmovable: Unmovable,
}

#[derive(Debug, Args)]
struct Repoint {
    cluster: String,
    /// The server that is to be the primary
    #[arg(long, value_name = "ADDRESS")]
    primary: Address,
    /// It may be of another system: made by pg_upgrade, or filled from a dump
    #[arg(long)]
    other_system: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReadsOn {
    /// On the primary
    ReadOnly,
    /// On the replicas
    Replica,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fallback {
    /// They stay on the primary
    Primary,
    /// The same, and lull goes on waiting
    Wait,
    /// The lull is not opened
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Unmovable {
    /// They stay on the primary
    Stay,
    /// Their connection ends
    Close,
    /// The lull is not opened
    Refuse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Policy {
    /// Their transaction fails, their connection stays
    Abort,
    /// Their connection ends
    Terminate,
    /// Nothing; the fence is not reached
    Report,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Prepared {
    Block,
    Ignore,
}

/// All there is to `main`.
pub fn main() -> Exit {
    let line = match Line::try_parse() {
        Ok(line) => line,
        Err(wrong) => {
            let asked = matches!(wrong.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            let text = wrong.render().to_string();
            if asked {
                output::answer(text.trim_end())
            } else {
                output::complain(text.trim_end())
            }
            return if asked { Exit::Done } else { Exit::Usage };
        }
    };
    let named = line.admin.or_else(|| {
        std::env::var_os("LULL_ADMIN")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    });
    match line.command {
        Verb::Serve(serve) => serve::run(serve, named, line.json),
        command => client(command, named, line.json),
    }
}

fn client(command: Verb, named: Option<PathBuf>, json: bool) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("lull: the system gives no event loop: {error}"));
            return Exit::Unreachable;
        }
    };
    let find = find::Find { named };
    let exit = runtime.block_on(async {
        match command {
            Verb::Check { config } => check::run(&config, json).await,
            Verb::On(on) => on::run(&find, on, json).await,
            Verb::Off { scope } => operate::off(&find, &scope, json).await,
            Verb::Status { scope } => operate::status(&find, &scope, json).await,
            Verb::Sessions => operate::sessions(&find, json).await,
            Verb::Repoint(repoint) => operate::repoint(&find, &repoint, json).await,
            Verb::Reload => operate::done(&find, "RELOAD", json).await,
            Verb::Shutdown => operate::done(&find, "SHUTDOWN", json).await,
            Verb::Serve(_) => Exit::Usage,
        }
    });
    // A thread may still wait for an answer at the terminal.
    runtime.shutdown_background();
    exit
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Line::command().debug_assert();
    }

    #[test]
    fn the_contracts_command_lines_are_understood() {
        for line in [
            "lull serve --config lull.toml",
            "lull serve --postgres 127.0.0.1:5432 --listen 127.0.0.1:6432",
            "lull serve --mysql 127.0.0.1:3306 --listen 127.0.0.1:6446 --bypass /run/lull/bypass.sock",
            "lull serve --postgres db:5432 --listen [::1]:6432 --listen /run/x.sock --bypass 127.0.0.1:6433 --admin /a --metrics 127.0.0.1:9187 --state /s",
            "lull check --config lull.toml --json",
            "lull on",
            "lull serve --postgres db:5432 --replica db2:5432 --replica db3:5432 --listen 127.0.0.1:6432",
            "lull on shop --mode replica --catch-up 1m --fallback wait --unmovable close",
            "lull on shop/crm@web --reason upgrade --drain 30s --stragglers report --for 2h --json",
            "lull --admin /a off shop",
            "lull status shop --json",
            "lull sessions",
            "lull repoint shop --primary db2:5432",
            "lull repoint shop --primary [::1]:5432 --other-system --json",
            "lull reload",
            "lull shutdown",
        ] {
            Line::try_parse_from(line.split(' ')).unwrap_or_else(|wrong| panic!("{line}: {wrong}"));
        }
    }

    #[test]
    fn what_makes_no_sense_is_a_matter_of_usage() {
        for line in [
            "lull",
            "lull serve",
            "lull serve --postgres db:5432",
            "lull serve --mysql db:3306",
            "lull serve --mysql db:3306 --postgres db:5432 --listen 127.0.0.1:1",
            "lull serve --config a --listen 127.0.0.1:1",
            "lull serve --postgres db --listen 127.0.0.1:1",
            "lull on --drain soon",
            "lull on --stragglers shout",
            "lull on a b",
            "lull repoint",
            "lull repoint shop",
            "lull repoint shop --primary db2",
            "lull of",
        ] {
            let wrong = Line::try_parse_from(line.split(' ')).expect_err(line);
            assert_eq!(wrong.exit_code(), i32::from(Exit::Usage.code()), "{line}");
        }
    }
}
