//! A session's way to another server of its cluster: a connection like the one that its client has opened, with what must
//! follow the session put in place there.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use tokio::io::AsyncWriteExt;

use super::{
    leg::{Beyond, Leg},
    open_as::{Opened, Who, open_known},
};
use crate::{
    auth::Means,
    config::Address,
    connect::{Front, replicas::Seat},
    fault::Fault,
    relay::{Arrived, Depart, Stream},
    session::{
        Arrival, Journey, Luggage, Site,
        mysql::{Heard, Unpacked, Unpacking},
    },
};

/// One packet of the answer to what the session has.
const PACKET_BYTES_MAX: usize = 4 << 20;

/// What is needed to open a session's connection anew.
struct Way {
    front: Arc<Front>,
    /// The client's own answer to the greeting.
    response: Box<[u8]>,
    user: Box<str>,
    /// What the client has proven to lull, where that was asked.
    means: Option<Means>,
    /// Where the session is, if that is a replica.
    seat: RefCell<Option<Seat>>,
}

pub(super) fn depart(front: Arc<Front>, response: &[u8], user: &str, means: Option<Means>) -> Depart {
    let way = Rc::new(Way {
        front,
        response: response.into(),
        user: user.into(),
        means,
        seat: RefCell::default(),
    });
    Box::new(move |journey| {
        let way = Rc::clone(&way);
        Box::pin(async move { way.go(journey).await })
    })
}

/// A connection that is ready for the session.
struct Ready {
    stream: Stream,
    ahead: Vec<u8>,
    unpacked: Box<Unpacked>,
}

impl Way {
    async fn go(&self, journey: Journey) -> Result<Arrived, String> {
        let limit = self.front.cluster.limits.connect_timeout;
        let replicas = &self.front.tally.replicas;
        let (server, seat) = match journey.to {
            Site::Primary => (replicas.primary().ok_or("there is no primary")?, None),
            Site::Replica => {
                let seat = replicas.seat().ok_or("no replica is fit")?;
                (Arc::clone(&seat.address), Some(seat))
            }
        };
        let clock = &self.front.clock;
        let ready = match clock.timeout(limit, self.open(&server, journey)).await {
            Some(Ok(ready)) => ready,
            Some(Err(why)) => return Err(format!("{server}: {why}")),
            None => return Err(format!("{server}: not there within {limit:?} (connect_timeout)")),
        };
        *self.seat.borrow_mut() = seat;
        Ok(Arrived {
            // What a statement runs is interrupted by another session's KILL QUERY.
            cancel: Box::new(|seen_to| seen_to()),
            upstream: ready.stream,
            told: Arrival::MySql(ready.unpacked),
            ahead: ready.ahead,
        })
    }

    async fn open(&self, address: &Address, journey: Journey) -> Result<Ready, String> {
        let Luggage::MySql(luggage) = journey.luggage else {
            return Err("the luggage is another protocol's".to_owned());
        };
        let who = Who {
            address,
            user: &self.user,
            response: &self.response,
        };
        let opened = open_known(&self.front, who, self.means.as_ref()).await;
        let Opened {
            stream,
            ahead,
            server,
            connection_id,
            agreed,
            ..
        } = opened.map_err(|fault| {
            let why = fault.to_string();
            if journey.to == Site::Replica && matches!(fault, Fault::Upstream(_)) {
                self.front.tally.replicas.note_unreachable(address, &why);
            }
            why
        })?;
        if agreed.beyond_login() != luggage.agreed.beyond_login() {
            return Err("it knows less of the protocol than client and session have agreed on".to_owned());
        }
        let mut leg = Leg::of(stream, ahead);
        let (mut unpacking, mut bytes) = Unpacking::begin(luggage, journey.to, server, connection_id);
        loop {
            if !bytes.is_empty() {
                let sent = leg.stream.write_all(&bytes).await;
                sent.map_err(|error| error.to_string())?;
                leg.stream.flush().await.map_err(|error| error.to_string())?;
                bytes.clear();
            }
            let packet = leg.read(PACKET_BYTES_MAX, Beyond::Anything).await;
            let packet = packet.map_err(|missing| missing.to_string())?;
            match unpacking.hear(leg.sequence.wrapping_sub(1), &packet) {
                Heard::More => {}
                Heard::Say(more) => bytes = more,
                Heard::Failed(why) => return Err(why),
                Heard::Done(unpacked) => {
                    let (stream, ahead) = leg.parts();
                    return Ok(Ready {
                        stream,
                        ahead,
                        unpacked,
                    });
                }
            }
        }
    }
}
