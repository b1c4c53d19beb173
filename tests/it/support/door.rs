//! A door in front of a PostgreSQL server: everything passes, but each cancel request waits until it is let in.
//!
//! Cancel requests are asynchronous: between the sending and the signal anything may happen. Here a test says what.

use super::PATIENCE;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// Codes in the place of a protocol version.
const CANCEL_REQUEST: [u8; 4] = 80_877_102u32.to_be_bytes();
const SSL_REQUEST: [u8; 4] = 80_877_103u32.to_be_bytes();

pub struct Door {
    pub address: SocketAddr,
    waiting: Receiver<Waiting>,
}

/// A cancel request at the door.
pub struct Waiting {
    packet: Vec<u8>,
    from: TcpStream,
    server: SocketAddr,
}

impl Door {
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound");
        let (to, waiting) = channel();
        // Ends with the test program.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let to = to.clone();
                thread::spawn(move || pass(client, server, &to));
            }
        });
        Self { address, waiting }
    }

    /// The next cancel request.
    #[track_caller]
    pub fn cancel_request(&self) -> Waiting {
        self.waiting
            .recv_timeout(PATIENCE)
            .expect("a cancel request comes")
    }
}

impl Waiting {
    /// Lets it in, and closes its connection as the server does: when the session has been signalled.
    pub fn let_in(mut self) {
        let mut server = TcpStream::connect(self.server).expect("the server is there");
        server.write_all(&self.packet).expect("the server reads");
        let _ = server.read(&mut [0]);
        let _ = self.from.shutdown(Shutdown::Both);
        self.packet.clear();
    }
}

fn pass(mut client: TcpStream, server: SocketAddr, to: &Sender<Waiting>) -> io::Result<()> {
    let mut start = [0; 8];
    client.read_exact(&mut start)?;
    if start[4..] == SSL_REQUEST {
        client.write_all(b"N")?;
        client.read_exact(&mut start)?;
    }
    if start[4..] == CANCEL_REQUEST {
        let length = u32::from_be_bytes([start[0], start[1], start[2], start[3]]) as usize;
        let mut packet = start.to_vec();
        packet.resize(length, 0);
        client.read_exact(&mut packet[8..])?;
        let (from, packet) = (client, packet);
        let _ = to.send(Waiting { packet, from, server });
        return Ok(());
    }
    let mut upstream = TcpStream::connect(server)?;
    upstream.write_all(&start)?;
    let (mut up, mut down) = (upstream.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut client, &mut up);
        let _ = up.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut upstream, &mut down);
    down.shutdown(Shutdown::Write)
}
