//! From what is written to what it means: defaults, and what values must be to each other.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use toml::Spanned;

use super::{
    Address, Auth, ClientTls, ClientTlsMode, Cluster, Config, ConfigError, Flags, Limits, Log, SslMode,
    Upstream, UpstreamTls, accounts, default_admin_socket, default_state_dir,
    raw::{self, Place},
};

const LAG_MAX: Duration = Duration::from_secs(30);
const NAME_BYTES_MAX: usize = 63;
const WORKERS_MAX: usize = 1024;
/// The smallest startup packet that holds the names that PostgreSQL allows, with room for options.
const STARTUP_BYTES_MIN: usize = 1_000;
/// A statement of any size that people write by hand.
const INSPECT_BYTES_MIN: usize = 16 << 10;

pub(super) fn file(raw: raw::File, place: &Place<'_>) -> Result<Config, ConfigError> {
    if raw.cluster.is_empty() {
        return Err(place.wrong(
            0,
            "no [[cluster]]: expected at least one, with name, protocol, listen and primary",
        ));
    }
    let workers = match raw.workers {
        None => workers_by_default(),
        Some(n) if (1..=WORKERS_MAX).contains(n.get_ref()) => n.into_inner(),
        Some(n) => {
            return Err(place.wrong(n.span().start, format!("workers must be from 1 to {WORKERS_MAX}")));
        }
    };
    let admin_socket = match raw.admin.socket {
        None => default_admin_socket(),
        Some(path) if path.get_ref().is_absolute() => path.into_inner(),
        Some(path) => return Err(place.wrong(path.span().start, "admin.socket must be an absolute path")),
    };
    let mut taken = Taken::default();
    let mut clusters = Vec::new();
    for raw in raw.cluster {
        clusters.push(Arc::new(cluster(raw.into_inner(), place, &mut taken)?));
    }
    let log = Log {
        format: raw.log.format,
        level: raw.log.level,
    };
    let state_dir = raw.state.dir.unwrap_or_else(default_state_dir);
    Ok(Config {
        admin_socket,
        metrics_listen: raw.metrics.listen,
        state_dir,
        workers,
        log,
        clusters,
        source: None,
    })
}

pub(super) fn flags(flags: Flags) -> Result<Config, ConfigError> {
    let mut listening: Vec<&Address> = Vec::new();
    let ours = flags.listen.iter().chain(&flags.bypass);
    for address in flags.replicas.iter().chain(ours) {
        if listening.contains(&address) || *address == flags.primary {
            let wrong =
                format!("{address} is given twice; the servers, --listen and --bypass must all differ");
            return Err(ConfigError::Wrong {
                place: "command line".into(),
                wrong,
            });
        }
        listening.push(address);
    }
    let cluster = Cluster {
        name: "main".into(),
        protocol: flags.protocol,
        listen: flags.listen,
        bypass_listen: flags.bypass,
        bypass_users: Default::default(),
        primary: Upstream {
            address: flags.primary,
            tls: UpstreamTls::default(),
        },
        client_tls: ClientTls::default(),
        // They must trust lull's address: on a command line there is no place for secrets.
        auth: Auth {
            peer: !flags.replicas.is_empty(),
            ..Auth::default()
        },
        service: None,
        replicas: flags.replicas,
        lag_max: LAG_MAX,
        limits: Limits::of(flags.protocol),
        announce: true,
        signals: true,
        error_for_client: BTreeMap::new(),
        audit_allow: Vec::new(),
    };
    Ok(Config {
        admin_socket: flags.admin.unwrap_or_else(default_admin_socket),
        metrics_listen: flags.metrics,
        state_dir: flags.state.unwrap_or_else(default_state_dir),
        workers: workers_by_default(),
        log: Log::default(),
        clusters: vec![Arc::new(cluster)],
        source: None,
    })
}

/// One for each two cores. A busy thread takes several events with each wake-up: half the threads carry the same
/// traffic for less, and leave the other cores to the kernel's side of the network.
fn workers_by_default() -> usize {
    std::thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .div_ceil(2)
}

/// Names and addresses that an earlier cluster has.
#[derive(Default)]
struct Taken {
    names: Vec<String>,
    addresses: BTreeMap<Address, String>,
}

fn cluster(raw: raw::Cluster, place: &Place<'_>, taken: &mut Taken) -> Result<Cluster, ConfigError> {
    let limits = limits(&raw, place)?;
    let at = raw.name.span().start;
    let name = raw.name.into_inner();
    name_is_fit(&name, &taken.names).map_err(|wrong| place.wrong(at, wrong))?;
    taken.names.push(name.clone());
    if raw.listen.is_empty() {
        return Err(place.wrong(
            at,
            format!("cluster {name} listens nowhere: give listen at least one address"),
        ));
    }
    let primary = raw.primary.get_ref().clone();
    let listen = addresses(raw.listen, "listen", &name, &primary, place, taken)?;
    let bypass_listen = addresses(raw.bypass_listen, "bypass_listen", &name, &primary, place, taken)?;
    let service = accounts::service(raw.service, raw.protocol, place)?;
    let replicas = addresses(raw.replicas, "replicas", &name, &primary, place, taken)?;
    Ok(Cluster {
        auth: accounts::auth(raw.auth, service.as_ref(), raw.protocol, place)?,
        service,
        protocol: raw.protocol,
        listen,
        bypass_listen,
        bypass_users: names(raw.bypass_users, "bypass_users", place)?
            .into_iter()
            .collect(),
        primary: Upstream {
            tls: upstream_tls(&primary, raw.primary_sslmode, raw.primary_ca, place)?,
            address: primary,
        },
        replicas,
        lag_max: raw.lag_max.map_or(LAG_MAX, |span| span.into_inner().0),
        client_tls: client_tls(raw.tls, place)?,
        limits,
        announce: raw.announce.unwrap_or(true),
        signals: raw.signals.unwrap_or(true),
        error_for_client: error_for_client(raw.error_for_client, place)?,
        audit_allow: names(raw.audit_allow, "audit_allow", place)?,
        name,
    })
}

/// Numbers of errors that a server can raise for a statement: clients take others for their own, or for lost
/// connections.
fn error_for_client(
    raw: BTreeMap<Spanned<String>, Spanned<u16>>,
    place: &Place<'_>,
) -> Result<BTreeMap<String, u16>, ConfigError> {
    let mut errors = BTreeMap::new();
    for (client, code) in raw {
        let at = code.span().start;
        let code = code.into_inner();
        if !(1000..2000).contains(&code) && !(3000..6000).contains(&code) {
            return Err(place.wrong(
                at,
                format!("{code} is no number of a server's error (1000 to 1999, 3000 to 5999)"),
            ));
        }
        errors.insert(client.into_inner(), code);
    }
    Ok(errors)
}

fn name_is_fit(name: &str, taken: &[String]) -> Result<(), String> {
    let fit = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    match name {
        "" => Err("a cluster needs a name".into()),
        "all" => Err("no cluster can be called all: in scopes that means every cluster".into()),
        name if name.len() > NAME_BYTES_MAX => Err(format!("the name is longer than {NAME_BYTES_MAX} bytes")),
        name if !name.chars().all(fit) => Err(format!(
            "the name {name:?} may hold letters, digits, - _ and . only"
        )),
        name if taken.iter().any(|other| other == name) => Err(format!("a second cluster is called {name}")),
        _ => Ok(()),
    }
}

fn names(written: Vec<Spanned<String>>, key: &str, place: &Place<'_>) -> Result<Vec<String>, ConfigError> {
    let name = |name: Spanned<String>| match name.get_ref().is_empty() {
        true => Err(place.wrong(name.span().start, format!("an empty name in {key}"))),
        false => Ok(name.into_inner()),
    };
    written.into_iter().map(name).collect()
}

fn addresses(
    written: Vec<Spanned<Address>>,
    key: &str,
    cluster: &str,
    primary: &Address,
    place: &Place<'_>,
    taken: &mut Taken,
) -> Result<Vec<Address>, ConfigError> {
    let mut addresses = Vec::new();
    for address in written {
        let at = address.span().start;
        let address = address.into_inner();
        if address == *primary {
            return Err(place.wrong(
                at,
                format!("{address} is the primary itself: lull would connect to itself"),
            ));
        }
        let owner = format!("{key} of cluster {cluster}");
        if let Some(other) = taken.addresses.insert(address.clone(), owner) {
            return Err(place.wrong(at, format!("{address} is taken already, by {other}")));
        }
        addresses.push(address);
    }
    Ok(addresses)
}

fn upstream_tls(
    primary: &Address,
    mode: Option<Spanned<SslMode>>,
    ca: Option<PathBuf>,
    place: &Place<'_>,
) -> Result<UpstreamTls, ConfigError> {
    let Some(mode) = mode else {
        return Ok(UpstreamTls {
            mode: SslMode::default(),
            ca,
        });
    };
    let at = mode.span().start;
    let mode = mode.into_inner();
    let verifies = matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull);
    if verifies && ca.is_none() {
        return Err(place.wrong(
            at,
            "this primary_sslmode needs primary_ca, the CA that signed the server's certificate",
        ));
    }
    let insists = verifies || mode == SslMode::Require;
    if insists && matches!(primary, Address::Unix(_)) {
        return Err(place.wrong(
            at,
            "lull speaks no TLS on Unix sockets: leave primary_sslmode out",
        ));
    }
    Ok(UpstreamTls { mode, ca })
}

fn client_tls(tls: Option<Spanned<raw::Tls>>, place: &Place<'_>) -> Result<ClientTls, ConfigError> {
    let Some(tls) = tls else {
        return Ok(ClientTls::default());
    };
    let at = tls.span().start;
    let raw::Tls {
        mode,
        cert,
        key,
        client_ca,
    } = tls.into_inner();
    let implied = if cert.is_some() {
        ClientTlsMode::Allow
    } else {
        ClientTlsMode::Disable
    };
    let mode = mode.unwrap_or(implied);
    if cert.is_some() != key.is_some() {
        return Err(place.wrong(at, "cert and key go together: give both or none"));
    }
    if mode != ClientTlsMode::Disable && cert.is_none() {
        return Err(place.wrong(at, "TLS for clients needs cert and key"));
    }
    if client_ca.is_some() && mode != ClientTlsMode::Require {
        return Err(place.wrong(
            at,
            "client_ca needs mode = \"require\": without TLS no client shows a certificate",
        ));
    }
    Ok(ClientTls {
        mode,
        cert,
        key,
        client_ca,
    })
}

fn limits(raw: &raw::Cluster, place: &Place<'_>) -> Result<Limits, ConfigError> {
    let normal = Limits::of(raw.protocol);
    let count = |key, written: &Option<Spanned<usize>>, min, normal| match written {
        None => Ok(normal),
        Some(n) if *n.get_ref() >= min => Ok(*n.get_ref()),
        Some(n) => Err(place.wrong(n.span().start, format!("{key} must be at least {min}"))),
    };
    let size = |key, written: &Option<Spanned<raw::Size>>, min, normal| match written {
        None => Ok(normal),
        Some(n) if n.get_ref().0 >= min => Ok(n.get_ref().0),
        Some(n) => Err(place.wrong(n.span().start, format!("{key} must be at least {min} bytes"))),
    };
    let time = |key, written: &Option<Spanned<raw::Span>>, normal| match written {
        None => Ok(normal),
        Some(span) if span.get_ref().0 > Duration::ZERO => Ok(span.get_ref().0),
        Some(span) => Err(place.wrong(span.span().start, format!("{key} must be above zero"))),
    };
    let statements = &raw.prepared_statements_max;
    Ok(Limits {
        connections_max: count("connections_max", &raw.connections_max, 1, normal.connections_max)?,
        login_timeout: time("login_timeout", &raw.login_timeout, normal.login_timeout)?,
        connect_timeout: time("connect_timeout", &raw.connect_timeout, normal.connect_timeout)?,
        inspect_bytes_max: size(
            "inspect_bytes_max",
            &raw.inspect_bytes_max,
            INSPECT_BYTES_MIN,
            normal.inspect_bytes_max,
        )?,
        startup_bytes_max: size(
            "startup_bytes_max",
            &raw.startup_bytes_max,
            STARTUP_BYTES_MIN,
            normal.startup_bytes_max,
        )?,
        prepared_statements_max: count(
            "prepared_statements_max",
            statements,
            1,
            normal.prepared_statements_max,
        )?,
        audit_timeout: time("audit_timeout", &raw.audit_timeout, normal.audit_timeout)?,
        straggler_grace: time("straggler_grace", &raw.straggler_grace, normal.straggler_grace)?,
        shutdown_timeout: time("shutdown_timeout", &raw.shutdown_timeout, normal.shutdown_timeout)?,
        login_failures_max: count(
            "login_failures_max",
            &raw.login_failures_max,
            1,
            normal.login_failures_max,
        )?,
    })
}
