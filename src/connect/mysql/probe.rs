//! What a MySQL or MariaDB upstream shows of itself before a login.

use super::{dial, part::part};
use crate::{
    connect::{Front, Probed},
    fault::Fault,
    session::mysql::{Flavor, Server},
    wire::mysql::{capability::Capabilities, error::Error, greeting::Greeting},
};

pub(in crate::connect) async fn probe(front: &Front) -> Result<Probed, Fault> {
    let (leg, first) = dial::dial(front, &front.cluster.primary.address).await?;
    if let Some(error) = Error::read(&first) {
        let message = String::from_utf8_lossy(error.message);
        return Err(Fault::upstream(format!("it refuses the connection: {message}")));
    }
    let greeting = Greeting::read(&first).map_err(Fault::upstream)?;
    let tls = dial::wants_tls(front, &leg, greeting.capabilities)?;
    part(&front.clock, leg, &greeting).await;
    let version = String::from_utf8_lossy(greeting.server_version).into_owned();
    let server = Server::of(&version);
    let (flavor, oldest, name) = match server.flavor {
        Flavor::MySql => ("MySQL", 80_400, "8.4"),
        Flavor::MariaDb => ("MariaDB", 101_100, "10.11"),
    };
    let how = match (tls, greeting.capabilities.has(Capabilities::SSL)) {
        (true, _) => "lull uses TLS",
        (false, true) => "lull uses no TLS, which it offers",
        (false, false) => "it offers no TLS",
    };
    // What old replicas of MariaDB wanted to read.
    let version = version.strip_prefix("5.5.5-").unwrap_or(&version);
    let found = format!(
        "{} answers: {flavor} {version}, {how}",
        front.cluster.primary.address
    );
    Ok(if server.version < oldest {
        Probed::Doubtful(format!(
            "{found}; lull is made for {flavor} {name} and newer, and not tested with this"
        ))
    } else {
        Probed::Fit(found)
    })
}
