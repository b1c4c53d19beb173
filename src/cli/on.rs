//! `lull on`: waits for the fence, shows the drain, and never leaves an operator in doubt about what Ctrl-C did.

use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

use super::{
    Exit, Fallback, On, Policy, Prepared, ReadsOn, Unmovable,
    find::{Find, Told, broken, misunderstood, refused, scope},
    operate::now_unix_ms,
    output::{self, Progress},
    text,
};
use crate::{
    admin::{Client, Event, Opened, Status, quoted},
    gate::{Lull, Scope},
};

pub(super) async fn run(find: &Find, on: On, json: bool) -> Exit {
    match open(find, on, json).await {
        Ok(exit) | Err(Told(exit)) => exit,
    }
}

async fn open(find: &Find, on: On, json: bool) -> Result<Exit, Told> {
    let scope = scope(&on.scope)?;
    // From here on these do not just end this process; they are heard even while something else is going on.
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        output::complain("lull: the system does not let signals be heard");
        return Ok(Exit::Unreachable);
    };
    let mut waiting = Waiting {
        client: find.connect().await?,
        progress: Progress::new(),
        answer: None,
        failed: None,
    };
    let asked_at = now_unix_ms();
    let sent = waiting.client.ask(&verb(&on, &scope)).await;
    sent.map_err(|error| broken(&error))?;
    match waiting.until_fenced(&mut interrupt, &mut terminate).await? {
        Left::Answered => conclude(waiting, json),
        Left::Keep => keep(waiting, &scope, json).await,
        Left::TakeBack => {
            // lull takes the lull back when the caller leaves; asking once more makes sure, and waits until it is so.
            waiting.client.leave().await;
            let done = take_back(find, &scope, asked_at, json).await;
            done.inspect_err(|_| {
                output::complain(&format!(
                    "lull: it is not certain that the lull on {scope} was taken back: ask `lull status`"
                ));
            })
        }
    }
}

fn verb(on: &On, scope: &Scope) -> String {
    let stragglers = match on.stragglers {
        Policy::Abort => "abort",
        Policy::Terminate => "terminate",
        Policy::Report => "report",
    };
    let prepared = match on.prepared {
        Prepared::Block => "block",
        Prepared::Ignore => "ignore",
    };
    let lasts = on
        .lasts
        .map(|lasts| format!(", FOR '{}ms'", lasts.as_millis()))
        .unwrap_or_default();
    format!(
        "LULL ON {} (REASON {}, DRAIN '{}ms', STRAGGLERS {stragglers}, PREPARED {prepared}{lasts}{}, FORMAT json)",
        quoted(&scope.to_string()),
        quoted(&on.reason),
        on.drain.as_millis(),
        on_replicas(on)
    )
}

fn on_replicas(on: &On) -> String {
    if on.mode == ReadsOn::ReadOnly {
        return String::new();
    }
    let fallback = match on.fallback {
        Fallback::Primary => "primary",
        Fallback::Wait => "wait",
        Fallback::Error => "error",
    };
    let unmovable = match on.unmovable {
        Unmovable::Stay => "stay",
        Unmovable::Close => "close",
        Unmovable::Refuse => "refuse",
    };
    format!(
        ", MODE replica, CATCH_UP '{}ms', FALLBACK {fallback}, UNMOVABLE {unmovable}",
        on.catch_up.as_millis()
    )
}

struct Waiting {
    client: Client,
    progress: Progress,
    answer: Option<String>,
    failed: Option<Told>,
}

enum Left {
    Answered,
    Keep,
    TakeBack,
}

impl Waiting {
    async fn until_fenced(&mut self, interrupt: &mut Signal, terminate: &mut Signal) -> Result<Left, Told> {
        let has_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        let mut asked: Option<JoinHandle<Option<Left>>> = None;
        loop {
            // All arms are cancel-safe: `event` keeps what it has read, a handle can be awaited again.
            tokio::select! {
                event = self.client.event() => match event {
                    Ok(Event::Ready) => return Ok(Left::Answered),
                    Ok(event) => self.take(event, asked.is_some()),
                    Err(error) => return Err(self.lost(&error)),
                },
                _ = terminate.recv() => return Ok(Left::TakeBack),
                _ = interrupt.recv() => {
                    self.progress.end();
                    // Without a terminal, or when asked for the second time.
                    if !has_terminal || asked.is_some() {
                        return Ok(Left::TakeBack);
                    }
                    asked = Some(question());
                }
                reply = reply(&mut asked) => match reply {
                    Some(left) => return Ok(left),
                    None => asked = Some(question()),
                },
            }
        }
    }

    fn take(&mut self, event: Event, quiet: bool) {
        match event {
            // A question stands on the terminal: lines would run over it.
            Event::Notice { severity, text } if severity == "NOTICE" && !quiet => self.progress.show(&text),
            Event::Row(json) => self.answer = Some(json),
            Event::Error { code, text, hint } => {
                self.progress.end();
                self.failed = Some(refused(&code, &text, hint.as_deref()));
            }
            // A warning that there is no fence: the answer says it too.
            Event::Notice { .. } | Event::Ready => {}
        }
    }

    fn lost(&mut self, error: &crate::admin::ClientError) -> Told {
        self.progress.end();
        output::complain("lull: whether the lull is open cannot be told from here: ask `lull status`");
        broken(error)
    }
}

fn question() -> JoinHandle<Option<Left>> {
    output::complain("The fence is not reached yet. Keep the lull (k) or take it back (t)?");
    tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line);
        match line.trim().to_ascii_lowercase().as_str() {
            "k" | "keep" => Some(Left::Keep),
            "t" | "take" => Some(Left::TakeBack),
            // The terminal is gone: as without one.
            "" if matches!(read, Ok(0) | Err(_)) => Some(Left::TakeBack),
            _ => None,
        }
    })
}

/// Never ready while nothing was asked.
async fn reply(asked: &mut Option<JoinHandle<Option<Left>>>) -> Option<Left> {
    match asked {
        Some(handle) => handle.await.unwrap_or(Some(Left::TakeBack)),
        None => std::future::pending().await,
    }
}

fn conclude(mut waiting: Waiting, json: bool) -> Result<Exit, Told> {
    waiting.progress.end();
    if let Some(told) = waiting.failed {
        return Err(told);
    }
    let answer = waiting.answer.ok_or_else(|| misunderstood("no answer"))?;
    let opened: Opened = serde_json::from_str(&answer).map_err(|wrong| misunderstood(&wrong.to_string()))?;
    output::answer(&if json { answer } else { text::opened(&opened) });
    Ok(if opened.fenced {
        Exit::Done
    } else {
        Exit::FenceNotReached
    })
}

async fn keep(mut waiting: Waiting, scope: &Scope, json: bool) -> Result<Exit, Told> {
    waiting
        .client
        .ask("LULL KEEP")
        .await
        .map_err(|error| waiting.lost(&error))?;
    // The end of LULL ON, and that of LULL KEEP.
    for _ in 0..2 {
        loop {
            match waiting
                .client
                .event()
                .await
                .map_err(|error| waiting.lost(&error))?
            {
                Event::Ready => break,
                event => waiting.take(event, true),
            }
        }
    }
    // It may have been fenced before lull read the wish.
    if waiting.answer.is_some() || waiting.failed.is_some() {
        return conclude(waiting, json);
    }
    output::complain(&format!(
        "The lull on {scope} stays open; its drain goes on. `lull status` shows the fence."
    ));
    waiting.client.leave().await;
    Ok(Exit::FenceNotReached)
}

/// A lull that was open before this call is somebody else's, and stays.
async fn take_back(find: &Find, scope: &Scope, asked_at_unix_ms: u64, json: bool) -> Result<Exit, Told> {
    let quoted = quoted(&scope.to_string());
    let status = find.ask(&format!("SHOW STATUS {quoted} (FORMAT json)")).await?;
    let status: Status = serde_json::from_str(&status).map_err(|wrong| misunderstood(&wrong.to_string()))?;
    let before = |lull: &&Arc<Lull>| lull.request.scope == *scope && lull.since_unix_ms < asked_at_unix_ms;
    if let Some(lull) = status.lulls.iter().find(before) {
        output::complain(&format!(
            "The lull on {scope} was open before and stays open; its reason is now {:?}. `lull off {scope}` closes it.",
            lull.request.reason
        ));
        return Ok(Exit::FenceNotReached);
    }
    let answer = find.ask(&format!("LULL OFF {quoted} (FORMAT json)")).await?;
    if json {
        output::answer(&answer);
    }
    output::complain(&format!("The lull on {scope} was taken back."));
    Ok(Exit::FenceNotReached)
}
