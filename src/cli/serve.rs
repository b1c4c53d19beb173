//! `lull serve`: settings from a file or from flags, then the server.

use std::path::PathBuf;

use super::{Exit, Serve, output};
use crate::{
    config::{Config, ConfigError, Flags, LogFormat, Protocol},
    server, telemetry,
};

pub(super) fn run(serve: Serve, admin: Option<PathBuf>, json: bool) -> Exit {
    let config = match settings(serve, admin, json) {
        Ok(config) => config,
        Err(wrong) => {
            output::complain(&format!("lull: {wrong}"));
            return Exit::Refused;
        }
    };
    telemetry::log::init(&config.log);
    match server::run(config) {
        Ok(()) => Exit::Done,
        Err(failure) => {
            tracing::error!("lull cannot go on: {failure}");
            Exit::Broken
        }
    }
}

/// What the command line says wins over the file.
fn settings(serve: Serve, admin: Option<PathBuf>, json: bool) -> Result<Config, ConfigError> {
    let postgres = serve.postgres.map(|primary| (Protocol::PostgreSql, primary));
    let server = postgres.or(serve.mysql.map(|primary| (Protocol::MySql, primary)));
    let mut config = match (&serve.config, server) {
        (Some(path), _) => Config::load(path)?,
        (None, Some((protocol, primary))) => Config::from_flags(Flags {
            protocol,
            primary,
            replicas: serve.replica,
            listen: serve.listen,
            bypass: serve.bypass,
            admin: None,
            metrics: serve.metrics,
            state: serve.state,
        })?,
        (None, None) => {
            let wrong = "expected --config, --postgres or --mysql".to_owned();
            return Err(ConfigError::Wrong {
                place: "command line".to_owned(),
                wrong,
            });
        }
    };
    if let Some(admin) = admin {
        config.admin_socket = std::path::absolute(&admin).unwrap_or(admin);
    }
    if json {
        config.log.format = LogFormat::Json;
    }
    Ok(config)
}
