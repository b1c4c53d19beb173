//! Listening sockets. Accepting hands out bare sockets, which any worker can take up.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    os::unix::fs::PermissionsExt,
    os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream},
    path::Path,
    sync::Arc,
};

use socket2::{Domain, SockAddr, SockRef, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::{Front, prepare};
use crate::{
    config::Address,
    relay::{Plain, Stream},
};

#[derive(Debug)]
pub enum Listener {
    Tcp(std::net::TcpListener),
    Unix(StdUnixListener),
}

/// A client that has connected and has said nothing yet, on the runtime of the worker that serves it.
#[derive(Debug)]
pub enum Socket {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Socket {
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Tcp(_, peer) => peer.to_string(),
            Self::Unix(_) => "unix socket".to_owned(),
        }
    }

    pub(super) fn into_stream(self) -> Stream {
        Stream::Plain(match self {
            Self::Tcp(stream, _) => Plain::Tcp(stream),
            Self::Unix(stream) => Plain::Unix(stream),
        })
    }
}

/// The same between two workers.
#[derive(Debug)]
enum Bare {
    Tcp(std::net::TcpStream, SocketAddr),
    Unix(StdUnixStream),
}

/// What a worker gets to serve.
pub struct Accepted {
    pub socket: Socket,
    pub front: Arc<Front>,
    /// It came in where lulls do not reach.
    pub bypass: bool,
}

/// An accepted client on its way to another worker.
pub struct Passed {
    socket: Bare,
    front: Arc<Front>,
    bypass: bool,
}

impl Accepted {
    /// Leaves this worker's runtime.
    pub fn pass(self) -> io::Result<Passed> {
        let socket = match self.socket {
            Socket::Tcp(stream, peer) => Bare::Tcp(stream.into_std()?, peer),
            Socket::Unix(stream) => Bare::Unix(stream.into_std()?),
        };
        Ok(Passed {
            socket,
            front: self.front,
            bypass: self.bypass,
        })
    }
}

impl Passed {
    /// Enters this worker's runtime.
    pub fn take_up(self) -> io::Result<Accepted> {
        let socket = match self.socket {
            Bare::Tcp(stream, peer) => Socket::Tcp(TcpStream::from_std(stream)?, peer),
            Bare::Unix(stream) => Socket::Unix(UnixStream::from_std(stream)?),
        };
        Ok(Accepted {
            socket,
            front: self.front,
            bypass: self.bypass,
        })
    }
}

/// As many connections as may wait to be accepted: a pool that opens all at once must not be turned away.
const BACKLOG: i32 = 4096;

/// Binds all sockets that an address stands for.
pub fn bind(address: &Address) -> io::Result<Vec<Listener>> {
    match address {
        Address::Unix(path) => bind_unix(path).map(|listener| vec![Listener::Unix(listener)]),
        Address::Tcp { host, port } => (host.as_str(), *port).to_socket_addrs()?.map(bind_tcp).collect(),
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<Listener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    prepare(&SockRef::from(&socket));
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(Listener::Tcp(socket.into()))
}

fn bind_unix(path: &Path) -> io::Result<StdUnixListener> {
    // A socket file that nobody answers on is left over from a process that was killed.
    if path.exists()
        && StdUnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        std::fs::remove_file(path)?;
    }
    let listener = StdUnixListener::bind(path)?;
    // Whoever may log in may connect, as with PostgreSQL's own socket; the directory can say otherwise.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A listener on a runtime.
pub enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    pub fn into_acceptor(self) -> io::Result<Acceptor> {
        Ok(match self {
            Self::Tcp(listener) => Acceptor::Tcp(TcpListener::from_std(listener)?),
            Self::Unix(listener) => Acceptor::Unix(UnixListener::from_std(listener)?),
        })
    }
}

impl Acceptor {
    /// The next client. Cancel-safe.
    pub async fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(listener) => listener
                .accept()
                .await
                .map(|(stream, peer)| Socket::Tcp(stream, peer)),
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Socket::Unix(stream)),
        }
    }
}
