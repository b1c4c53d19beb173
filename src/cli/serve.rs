//! `lull serve`: settings from a file or from flags, then the server.

use std::path::PathBuf;

use super::{Exit, Serve, output};
use crate::{
    config::{Config, ConfigError, Flags, LogFormat},
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
    let mut config = match (&serve.config, serve.postgres) {
        (Some(path), _) => Config::load(path)?,
        (None, Some(postgres)) => Config::from_flags(Flags {
            postgres,
            listen: serve.listen,
            bypass: serve.bypass,
            admin: None,
            metrics: serve.metrics,
            state: serve.state,
        })?,
        (None, None) => {
            let wrong = "expected --config or --postgres".to_owned();
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
