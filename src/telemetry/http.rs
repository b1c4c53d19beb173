//! `/metrics`, `/healthz` and `/readyz`, over the little of HTTP/1.1 that scrapers and probes use.
//!
//! Guarantees bounds on everything a stranger can do: size of a request, time, connections. One request for each
//! connection. It knows no figures: it asks for a `Scrape`.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
};

const REQUEST_BYTES_MAX: usize = 8 << 10;
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long lull may take to answer before it counts as stuck.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTIONS_MAX: usize = 64;

/// What the three pages say.
#[derive(Clone, Debug)]
pub struct Scrape {
    pub metrics: String,
    /// Err says why no client should be sent here.
    pub ready: Result<(), String>,
}

pub type Source = mpsc::Sender<oneshot::Sender<Scrape>>;

/// Runs until it is dropped.
pub async fn serve(listener: TcpListener, source: Source) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match (accepted, Arc::clone(&places).try_acquire_owned()) {
            (Ok((stream, _)), Ok(place)) => {
                let source = source.clone();
                connections.spawn(async move {
                    // Whoever breaks off, breaks off.
                    let _ = tokio::time::timeout(TIMEOUT, answer(stream, &source)).await;
                    drop(place);
                });
            }
            // Above the limit a connection is closed at once.
            (Ok(_), Err(_)) => {}
            (Err(error), _) => {
                tracing::warn!("the metrics listener cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, source: &Source) -> io::Result<()> {
    let head = match head(&mut stream).await? {
        Ok(head) => head,
        Err(status) => {
            return send(
                &mut stream,
                &Page::plain(status, "request too large or cut short\n"),
                true,
            )
            .await;
        }
    };
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let with_body = match method {
        "GET" => true,
        "HEAD" => false,
        _ => {
            return send(
                &mut stream,
                &Page::plain("405 Method Not Allowed", "GET or HEAD\n"),
                true,
            )
            .await;
        }
    };
    let path = target.split('?').next().unwrap_or_default();
    send(&mut stream, &page(path, source).await, with_body).await
}

/// The request up to the empty line.
async fn head(stream: &mut TcpStream) -> io::Result<Result<String, &'static str>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let read = stream.read(&mut chunk).await?;
        bytes.extend_from_slice(chunk.get(..read).unwrap_or_default());
        if bytes.windows(4).any(|window| window == b"\r\n\r\n")
            || bytes.windows(2).any(|window| window == b"\n\n")
        {
            return Ok(Ok(String::from_utf8_lossy(&bytes).into_owned()));
        }
        if bytes.len() > REQUEST_BYTES_MAX {
            return Ok(Err("431 Request Header Fields Too Large"));
        }
        if read == 0 {
            return Ok(Err("400 Bad Request"));
        }
    }
}

struct Page {
    status: &'static str,
    kind: &'static str,
    body: String,
}

impl Page {
    fn plain(status: &'static str, body: impl Into<String>) -> Self {
        Self {
            status,
            kind: "text/plain; charset=utf-8",
            body: body.into(),
        }
    }
}

async fn page(path: &str, source: &Source) -> Page {
    if !matches!(path, "/metrics" | "/healthz" | "/readyz") {
        return Page::plain("404 Not Found", "/metrics, /healthz or /readyz\n");
    }
    let Some(scrape) = scrape(source).await else {
        return Page::plain(
            "503 Service Unavailable",
            "lull does not answer: it is stopping, or stuck\n",
        );
    };
    match (path, scrape.ready) {
        ("/metrics", _) => Page {
            status: "200 OK",
            kind: "text/plain; version=0.0.4; charset=utf-8",
            body: scrape.metrics,
        },
        // Healthy is who answers.
        ("/healthz", _) => Page::plain("200 OK", "ok\n"),
        (_, Ok(())) => Page::plain("200 OK", "ready\n"),
        (_, Err(why)) => Page::plain("503 Service Unavailable", format!("not ready: {why}\n")),
    }
}

async fn scrape(source: &Source) -> Option<Scrape> {
    let ask = async {
        let (reply, scrape) = oneshot::channel();
        source.send(reply).await.ok()?;
        scrape.await.ok()
    };
    tokio::time::timeout(SCRAPE_TIMEOUT, ask).await.ok().flatten()
}

async fn send(stream: &mut TcpStream, page: &Page, with_body: bool) -> io::Result<()> {
    let Page { status, kind, body } = page;
    let length = body.len();
    let mut text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    if with_body {
        text.push_str(body);
    }
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes back for `request`, from a lull that is ready or not.
    async fn ask(request: &[u8], ready: Result<(), String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (source, mut scrapes) = mpsc::channel::<oneshot::Sender<Scrape>>(1);
        let server = tokio::spawn(serve(listener, source));
        let answers = tokio::spawn(async move {
            while let Some(reply) = scrapes.recv().await {
                let _ = reply.send(Scrape {
                    metrics: "lull_generation 3\n".into(),
                    ready: ready.clone(),
                });
            }
        });
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut text = Vec::new();
        // A server that closes with a part of the request unread resets the connection: what came before counts.
        let _ = stream.read_to_end(&mut text).await;
        server.abort();
        answers.abort();
        String::from_utf8(text).unwrap()
    }

    #[tokio::test]
    async fn the_three_pages_answer() {
        let metrics = ask(b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())).await;
        assert!(
            metrics.starts_with("HTTP/1.1 200 OK\r\n") && metrics.ends_with("\r\n\r\nlull_generation 3\n")
        );
        assert!(
            ask(b"GET /healthz HTTP/1.0\n\n", Err("x".into()))
                .await
                .ends_with("ok\n")
        );
        assert!(
            ask(b"GET /readyz HTTP/1.1\r\n\r\n", Ok(()))
                .await
                .ends_with("ready\n")
        );
        let not = ask(b"GET /readyz HTTP/1.1\r\n\r\n", Err("shop is down".into())).await;
        assert!(not.starts_with("HTTP/1.1 503") && not.ends_with("not ready: shop is down\n"));
    }

    #[tokio::test]
    async fn a_head_request_gets_no_body() {
        assert!(
            ask(b"HEAD /metrics HTTP/1.1\r\n\r\n", Ok(()))
                .await
                .ends_with("\r\n\r\n")
        );
    }

    #[tokio::test]
    async fn garbage_gets_an_error_and_nothing_worse() {
        for (request, status) in [
            (&b"\xff\xfe\0\0"[..], "400"),
            (b"", "400"),
            (b"\r\n\r\n", "405"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
            (b"GET\r\n\r\n", "404"),
            (b"GET /../etc/passwd HTTP/1.1\r\n\r\n", "404"),
            (&[b'a'; REQUEST_BYTES_MAX + 1], "431"),
        ] {
            let answer = ask(request, Ok(())).await;
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{request:?}: {answer}"
            );
        }
    }
}
