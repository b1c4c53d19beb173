//! The socket with real clients on it: tokio-postgres, and the one of `lull on`. A channel plays the rest of lull.

use std::path::{Path, PathBuf};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::mpsc,
};
use tokio_postgres::{AsyncMessage, NoTls};

use super::*;

struct House {
    path: PathBuf,
    calls: mpsc::Receiver<Call>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl House {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("lull-admin-{}-{name}", std::process::id()));
        let path = dir.join("admin.sock");
        let socket = AdminSocket::bind(&path).unwrap();
        let (sender, calls) = mpsc::channel(8);
        Self {
            path,
            calls,
            server: tokio::spawn(serve(socket, sender)),
        }
    }

    fn dir(&self) -> &Path {
        self.path.parent().unwrap()
    }

    async fn client(&self) -> Client {
        Client::connect(&self.path, "alice").await.unwrap()
    }

    async fn driver(&self) -> (tokio_postgres::Client, mpsc::UnboundedReceiver<String>) {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.dir()).user("alice").dbname("lull");
        let (client, mut connection) = config.connect(NoTls).await.unwrap();
        let (sender, notices) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) =
                std::future::poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notice(notice) = message {
                    let _ = sender.send(notice.message().to_owned());
                }
            }
        });
        (client, notices)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.server.abort();
        let _ = std::fs::remove_dir_all(self.dir());
    }
}

fn opened() -> Answer {
    Answer::Opened(Box::new(Opened {
        scope: "shop".parse().unwrap(),
        generation: 7,
        fenced: true,
        ..Opened::default()
    }))
}

#[tokio::test]
async fn a_driver_opens_a_lull_in_the_extended_protocol_and_hears_the_drain() {
    let mut house = House::new("driver");
    let (client, mut notices) = house.driver().await;
    let asked = tokio::spawn(async move { client.query("LULL ON shop (REASON 'it''s time')", &[]).await });
    let call = house.calls.recv().await.unwrap();
    let Command::On(request) = &call.command else {
        panic!("{:?}", call.command)
    };
    assert_eq!((request.reason.as_str(), request.drain_ms), ("it's time", 30_000));
    assert!(
        request.by.ends_with("(alice)") || request.by == "alice",
        "{}",
        request.by
    );
    call.notices.send("fenced 1 of 2".into()).unwrap();
    // The answer is not given yet: the notice is here all the same.
    assert_eq!(notices.recv().await.as_deref(), Some("fenced 1 of 2"));
    call.reply.send(Ok(opened())).unwrap();
    let rows = asked.await.unwrap().unwrap();
    assert_eq!(rows[0].get::<_, &str>("scope"), "shop");
    assert_eq!(rows[0].get::<_, &str>("generation"), "7");
}

#[tokio::test]
async fn a_driver_gets_errors_and_goes_on() {
    let mut house = House::new("errors");
    let (client, _notices) = house.driver().await;
    let code = |error: tokio_postgres::Error| error.code().unwrap().code().to_owned();
    assert_eq!(code(client.query("SELECT 1", &[]).await.unwrap_err()), "42601");
    assert_eq!(
        code(client.simple_query("LULL OFF shop/").await.unwrap_err()),
        "22023"
    );
    assert_eq!(client.batch_execute("BEGIN").await.unwrap_or(()), ());
    let asked = tokio::spawn(async move { (client.query("LULL OFF nowhere", &[]).await, client) });
    let call = house.calls.recv().await.unwrap();
    call.reply
        .send(Err(Refused::Policy("no cluster is called nowhere".into())))
        .unwrap();
    let (refused, client) = asked.await.unwrap();
    assert_eq!(code(refused.unwrap_err()), "42704");
    let help = client.query("SHOW HELP", &[]).await.unwrap();
    assert!(help.len() > 5);
}

#[tokio::test]
async fn a_caller_who_leaves_is_noticed_with_or_without_a_goodbye() {
    let mut house = House::new("leaves");
    for says_goodbye in [true, false] {
        let mut client = house.client().await;
        client.ask("LULL ON").await.unwrap();
        let mut call = house.calls.recv().await.unwrap();
        if says_goodbye {
            client.leave().await
        } else {
            drop(client)
        }
        call.reply.closed().await;
    }
}

#[tokio::test]
async fn a_cancel_request_takes_the_call_back_and_keeps_the_connection() {
    let mut house = House::new("cancel");
    let (client, _notices) = house.driver().await;
    let token = client.cancel_token();
    let asked = tokio::spawn(async move { (client.simple_query("LULL ON").await.err(), client) });
    let mut call = house.calls.recv().await.unwrap();
    token.cancel_query(NoTls).await.unwrap();
    call.reply.closed().await;
    let (error, client) = asked.await.unwrap();
    assert_eq!(error.unwrap().code().unwrap().code(), "57014");
    client.simple_query("SHOW HELP").await.unwrap();
}

#[tokio::test]
async fn a_lull_that_is_kept_outlives_its_caller() {
    let mut house = House::new("keep");
    let mut client = house.client().await;
    client.ask("LULL ON").await.unwrap();
    let call = house.calls.recv().await.unwrap();
    client.ask("LULL KEEP").await.unwrap();
    let mut ready = 0;
    while ready < 2 {
        ready += usize::from(client.event().await.unwrap() == Event::Ready);
    }
    client.leave().await;
    // A second connection is served after the first one's end.
    let mut other = house.client().await;
    other.ask("SHOW HELP").await.unwrap();
    while other.event().await.unwrap() != Event::Ready {}
    assert!(!call.reply.is_closed());
}

#[tokio::test]
async fn json_comes_as_one_row_with_the_keys_in_the_contracts_order() {
    let mut house = House::new("json");
    let mut client = house.client().await;
    client.ask("LULL ON shop (FORMAT json)").await.unwrap();
    house
        .calls
        .recv()
        .await
        .unwrap()
        .reply
        .send(Ok(opened()))
        .unwrap();
    let Event::Row(json) = client.event().await.unwrap() else {
        panic!()
    };
    assert!(
        json.starts_with("{\"scope\":\"shop\",\"generation\":7,\"sessions\":0,\"fenced\":true,"),
        "{json}"
    );
    assert_eq!(serde_json::from_str(&json).map(Answer::Opened).unwrap(), opened());
}

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let house = House::new("garbage");
    let startup = b"\0\0\0\x13\0\x03\0\0user\0alice\0\0";
    let endless = [&startup[..], &[b'B', 0, 0, 0, 9, 0, 0, 0x7f, 0xff, 0xff]].concat();
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        &endless,
    ] {
        let mut stream = UnixStream::connect(&house.path).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }
    house.client().await;
}

#[tokio::test]
async fn when_lull_stops_a_caller_is_told() {
    let mut house = House::new("stops");
    let mut client = house.client().await;
    client.ask("RELOAD").await.unwrap();
    drop(house.calls.recv().await.unwrap());
    assert!(matches!(client.event().await.unwrap(), Event::Error { code, .. } if code == "57P01"));
}

#[tokio::test]
async fn too_many_connections_are_told_so() {
    let house = House::new("many");
    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(house.client().await);
    }
    let Err(error) = Client::connect(&house.path, "alice").await else {
        panic!("there is no limit")
    };
    assert!(
        error.to_string().contains("too many admin connections"),
        "{error}"
    );
}
