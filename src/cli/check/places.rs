//! Where lull would listen: are these places free, and may this user take them?

use std::{
    fs,
    io::ErrorKind,
    net::TcpListener,
    os::unix::{fs::FileTypeExt, net::UnixStream},
    path::Path,
};

use super::{Finding, Level, files};
use crate::config::{Address, Config};

pub(super) fn all(config: &Config) -> Vec<Finding> {
    let running = UnixStream::connect(&config.admin_socket).is_ok();
    let mut findings = vec![admin(&config.admin_socket, running)];
    if let Some(listen) = config.metrics_listen {
        findings.push(place(
            "metrics".to_owned(),
            &Address::Tcp {
                host: listen.ip().to_string(),
                port: listen.port(),
            },
            running,
        ));
    }
    for cluster in &config.clusters {
        let name = &cluster.name;
        findings.extend(
            cluster
                .listen
                .iter()
                .map(|at| place(format!("{name}: listen"), at, running)),
        );
        findings.extend(
            cluster
                .bypass_listen
                .iter()
                .map(|at| place(format!("{name}: bypass_listen"), at, running)),
        );
    }
    findings
}

fn admin(path: &Path, running: bool) -> Finding {
    let subject = format!("admin socket {}", path.display());
    if running {
        return Finding::new(Level::Ok, subject, "a lull is running here now");
    }
    let Some(existing) = path.ancestors().skip(1).find(|dir| dir.exists()) else {
        return Finding::new(Level::Fail, subject, "no part of this path exists");
    };
    let result = files::writable(existing).map(|()| "free".to_owned());
    Finding::from(
        subject,
        result.map_err(|why| format!("cannot write in {}: {why}", existing.display())),
    )
}

/// `running`: the lull that uses this configuration may hold the place already.
fn place(subject: String, address: &Address, running: bool) -> Finding {
    let subject = format!("{subject} {address}");
    let free = match address {
        Address::Tcp { host, port } => TcpListener::bind((host.as_str(), *port)).map(drop),
        Address::Unix(path) => unix(path),
    };
    match free {
        Ok(()) => Finding::new(Level::Ok, subject, "free"),
        Err(error) if error.kind() == ErrorKind::AddrInUse && running => {
            Finding::new(Level::Ok, subject, "taken, as it should be while lull runs")
        }
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::new(
            Level::Fail,
            subject,
            "another program listens there: stop it, or choose another place",
        ),
        Err(error) => Finding::new(Level::Fail, subject, error.to_string()),
    }
}

fn unix(path: &Path) -> std::io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => {
            Err(std::io::Error::other("something else than a socket is there"))
        }
        Ok(_) if UnixStream::connect(path).is_ok() => Err(ErrorKind::AddrInUse.into()),
        _ => files::writable(path.parent().unwrap_or(Path::new("/"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_until_somebody_takes_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string().parse().unwrap();
        assert_eq!(place("x".into(), &address, false).level, Level::Fail);
        assert_eq!(place("x".into(), &address, true).level, Level::Ok);
        drop(taken);
        assert_eq!(place("x".into(), &address, false).level, Level::Ok);
        let file: Address = "/etc/passwd".parse().unwrap();
        assert_eq!(place("x".into(), &file, true).level, Level::Fail);
    }
}
