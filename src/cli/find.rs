//! Finds the lull that is meant, and asks it.

use std::path::PathBuf;

use super::{Exit, output};
use crate::{
    admin::{Client, ClientError, Event},
    config::admin_candidates,
};

pub(super) struct Find {
    /// From --admin or LULL_ADMIN.
    pub(super) named: Option<PathBuf>,
}

/// Why there is no answer: already told to the operator.
pub(super) struct Told(pub(super) Exit);

impl Find {
    pub(super) async fn connect(&self) -> Result<Client, Told> {
        let candidates = self
            .named
            .as_ref()
            .map_or_else(admin_candidates, |named| vec![named.clone()]);
        // Whom sudo acts for is worth a record; without any of these the kernel's answer is enough.
        let user = ["SUDO_USER", "USER", "LOGNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
            .unwrap_or_default();
        let mut failures = Vec::new();
        for path in &candidates {
            match Client::connect(path, &user).await {
                Ok(client) => return Ok(client),
                Err(error) => failures.push(format!("  {error}")),
            }
        }
        let advice = match self.named {
            Some(_) => "Is lull running, and is this its admin socket?",
            None => "Is lull running? If so, say where its admin socket is: --admin PATH, or LULL_ADMIN.",
        };
        output::complain(&format!(
            "lull: cannot reach lull\n{}\n{advice}",
            failures.join("\n")
        ));
        Err(Told(Exit::Unreachable))
    }

    /// One verb whose answer is one JSON text.
    pub(super) async fn ask(&self, text: &str) -> Result<String, Told> {
        let mut client = self.connect().await?;
        let mut answer = None;
        let mut failed = None;
        client.ask(text).await.map_err(|error| broken(&error))?;
        loop {
            match client.event().await.map_err(|error| broken(&error))? {
                Event::Notice { text, .. } => output::complain(&format!("lull: {text}")),
                Event::Row(json) => answer = Some(json),
                Event::Error { code, text, hint } => failed = Some(refused(&code, &text, hint.as_deref())),
                Event::Ready => break,
            }
        }
        client.leave().await;
        match (failed, answer) {
            (Some(told), _) => Err(told),
            (None, Some(answer)) => Ok(answer),
            (None, None) => Err(misunderstood("no answer")),
        }
    }
}

pub(super) fn broken(error: &ClientError) -> Told {
    output::complain(&format!("lull: {error}"));
    Told(Exit::Unreachable)
}

pub(super) fn refused(code: &str, text: &str, hint: Option<&str>) -> Told {
    output::complain(&format!("lull: {text}"));
    if let Some(hint) = hint {
        output::complain(hint);
    }
    // 57P01: it is stopping; 53300: too many admin connections.
    Told(if matches!(code, "57P01" | "53300") {
        Exit::Unreachable
    } else {
        Exit::Refused
    })
}

pub(super) fn misunderstood(what: &str) -> Told {
    output::complain(&format!(
        "lull: its answer cannot be understood ({what}): are both of the same version?"
    ));
    Told(Exit::Unreachable)
}

/// Before anything is sent.
pub(super) fn scope(typed: &str) -> Result<crate::gate::Scope, Told> {
    typed.parse().map_err(|wrong| {
        output::complain(&format!("lull: {wrong}"));
        Told(Exit::Refused)
    })
}
