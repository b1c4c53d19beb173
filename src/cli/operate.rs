//! The verbs that answer at once: off, status, sessions, repoint, reload, shutdown.

use serde::de::DeserializeOwned;

use super::{
    Exit, Repoint,
    find::{Find, Told, misunderstood, scope},
    output, text,
};
use crate::admin::{Closed, Repointed, Session, Status, quoted};

pub(super) async fn off(find: &Find, typed: &str, json: bool) -> Exit {
    exit(close(find, typed, json).await)
}

async fn close(find: &Find, typed: &str, json: bool) -> Result<(), Told> {
    let scope = scope(typed)?;
    show(
        &find
            .ask(&format!("LULL OFF {} (FORMAT json)", quoted(&scope.to_string())))
            .await?,
        json,
        |closed: Closed| text::closed(&closed),
    )
}

pub(super) async fn status(find: &Find, typed: &str, json: bool) -> Exit {
    let run = async {
        let scope = scope(typed)?;
        let answer = find
            .ask(&format!(
                "SHOW STATUS {} (FORMAT json)",
                quoted(&scope.to_string())
            ))
            .await?;
        show(&answer, json, |status: Status| {
            text::status(&status, now_unix_ms())
        })
    };
    exit(run.await)
}

pub(super) async fn sessions(find: &Find, json: bool) -> Exit {
    let run = async {
        let answer = find.ask("SHOW SESSIONS (FORMAT json)").await?;
        show(&answer, json, |sessions: Vec<Session>| text::sessions(&sessions))
    };
    exit(run.await)
}

pub(super) async fn repoint(find: &Find, wanted: &Repoint, json: bool) -> Exit {
    let run = async {
        let cluster = scope(&wanted.cluster)?;
        let answer = find
            .ask(&format!(
                "LULL REPOINT {} (PRIMARY {}, OTHER_SYSTEM {}, FORMAT json)",
                quoted(&cluster.to_string()),
                quoted(&wanted.primary.to_string()),
                if wanted.other_system { "yes" } else { "no" },
            ))
            .await?;
        show(&answer, json, |repointed: Repointed| text::repointed(&repointed))
    };
    exit(run.await)
}

pub(super) async fn done(find: &Find, verb: &str, json: bool) -> Exit {
    #[derive(serde::Deserialize)]
    struct Done {
        done: String,
    }
    let run = async {
        let answer = find.ask(&format!("{verb} (FORMAT json)")).await?;
        show(&answer, json, |answer: Done| answer.done)
    };
    exit(run.await)
}

/// The line as it came, or what it says.
pub(super) fn show<T: DeserializeOwned>(
    answer: &str,
    json: bool,
    text: impl FnOnce(T) -> String,
) -> Result<(), Told> {
    if json {
        output::answer(answer);
        return Ok(());
    }
    let parsed = serde_json::from_str(answer).map_err(|wrong| misunderstood(&wrong.to_string()))?;
    output::answer(&text(parsed));
    Ok(())
}

fn exit(result: Result<(), Told>) -> Exit {
    match result {
        Ok(()) => Exit::Done,
        Err(Told(exit)) => exit,
    }
}

pub(super) fn now_unix_ms() -> u64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
