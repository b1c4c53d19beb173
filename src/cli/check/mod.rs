//! `lull check`: what would not work on this machine, and why. Changes nothing that lull would not change itself.

mod files;
mod places;

use std::path::Path;

use serde::Serialize;

use super::{Exit, output};
use crate::{
    config::Config,
    connect::{self, Probed},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    /// It will work, but somebody should know.
    Warn,
    Fail,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    level: Level,
    subject: String,
    text: String,
}

impl Finding {
    fn new(level: Level, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            level,
            subject: subject.into(),
            text: text.into(),
        }
    }

    fn from(subject: impl Into<String>, result: Result<String, String>) -> Self {
        match result {
            Ok(text) => Self::new(Level::Ok, subject, text),
            Err(text) => Self::new(Level::Fail, subject, text),
        }
    }
}

pub(super) async fn run(path: &Path, json: bool) -> Exit {
    let findings = match Config::load(path) {
        Ok(config) => all(&config).await,
        Err(wrong) => vec![Finding::new(Level::Fail, "configuration", wrong.to_string())],
    };
    if json {
        output::answer(&serde_json::to_string(&findings).unwrap_or_default());
    } else {
        findings.iter().for_each(|finding| output::answer(&line(finding)));
    }
    let fails = findings.iter().any(|finding| finding.level == Level::Fail);
    if fails { Exit::Refused } else { Exit::Done }
}

async fn all(config: &Config) -> Vec<Finding> {
    let count = config.clusters.len();
    let clusters = if count == 1 {
        "1 cluster".to_owned()
    } else {
        format!("{count} clusters")
    };
    let mut findings = vec![Finding::new(
        Level::Ok,
        "configuration",
        format!("{clusters}, all keys known"),
    )];
    findings.push(files::state(&config.state_dir));
    findings.extend(places::all(config));
    for cluster in &config.clusters {
        findings.extend(files::tls(cluster));
        findings.extend(
            connect::check_secrets(cluster)
                .into_iter()
                .map(|(file, read)| Finding::from(format!("{}: {file}", cluster.name), read)),
        );
        let subject = format!("{}: primary {}", cluster.name, cluster.primary.address);
        findings.push(match connect::probe(cluster).await {
            Ok(Probed::Fit(text)) => Finding::new(Level::Ok, subject, text),
            Ok(Probed::Doubtful(text)) => Finding::new(Level::Warn, subject, text),
            Err(text) => Finding::new(Level::Fail, subject, text),
        });
        if let Some(done) = connect::probe_service(cluster).await {
            findings.push(Finding::from(format!("{}: service account", cluster.name), done));
        }
    }
    findings
}

/// What has several lines stays together by its indent.
fn line(finding: &Finding) -> String {
    let level = match finding.level {
        Level::Ok => "ok  ",
        Level::Warn => "warn",
        Level::Fail => "FAIL",
    };
    format!(
        "{level}  {}: {}",
        finding.subject,
        finding.text.trim_end().replace('\n', "\n        ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_with_several_lines_stays_together() {
        let finding = Finding::from("shop", Err("no\n  because\n".to_owned()));
        assert_eq!(line(&finding), "FAIL  shop: no\n          because");
    }
}
