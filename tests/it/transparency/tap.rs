//! A wire tap: stands between two sides, passes everything on, and keeps what passed.

use crate::support::eventually;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What one connection has carried.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub from_client: Arc<Mutex<Vec<u8>>>,
    pub from_server: Arc<Mutex<Vec<u8>>>,
}

pub struct Tap {
    pub address: SocketAddr,
    records: Arc<Mutex<Vec<Record>>>,
}

impl Tap {
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let records = Arc::new(Mutex::new(Vec::<Record>::new()));
        let kept = Arc::clone(&records);
        // Ends with the test program.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
                let record = Record::default();
                kept.lock().unwrap().push(record.clone());
                pass(&client, &server, record.from_client);
                pass(&server, &client, record.from_server);
            }
        });
        Self { address, records }
    }

    /// The newest connection's record.
    pub fn last(&self) -> Record {
        eventually("a connection is tapped", || {
            self.records.lock().unwrap().last().cloned()
        })
    }
}

impl Record {
    pub fn client_said(&self) -> Vec<u8> {
        self.from_client.lock().unwrap().clone()
    }

    pub fn server_said(&self) -> Vec<u8> {
        self.from_server.lock().unwrap().clone()
    }
}

fn pass(from: &TcpStream, to: &TcpStream, kept: Arc<Mutex<Vec<u8>>>) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            // Kept first: who has received it finds it here.
            kept.lock().unwrap().extend(&buffer[..count]);
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
