//! A session's way to another server of its cluster: a connection like the one that its client has opened, with what must
//! follow the session put in place there.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use tokio::time::timeout;

use super::{
    cancel,
    enter::Entered,
    open::Startup,
    open_as::{Who, open_known},
};
use crate::{
    auth::Means,
    config::Address,
    connect::{Front, replicas::Seat},
    relay::{Arrived, Depart},
    session::{Arrival, Journey, Luggage, Site, pg::Unpacking},
};

/// The answer to what the session has; its prepared statements are in it.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// What is needed to open a session's connection anew.
struct Way {
    front: Arc<Front>,
    /// The client's own.
    startup: Box<[u8]>,
    user: Box<str>,
    /// What the client has proven to lull, where that was asked.
    means: Option<Means>,
    /// The key that the client holds.
    key: Box<[u8]>,
    /// Where the session is, if that is a replica.
    seat: RefCell<Option<Seat>>,
}

impl Drop for Way {
    fn drop(&mut self) {
        self.front.tally.replicas.drop_route(&self.key);
    }
}

pub(super) fn depart(
    front: Arc<Front>,
    startup: &Startup,
    means: Option<Means>,
    key: &[u8],
    seat: Option<Seat>,
) -> Depart {
    let way = Rc::new(Way {
        front,
        startup: startup.packet.as_slice().into(),
        user: startup.user.as_str().into(),
        means,
        key: key.into(),
        seat: RefCell::new(seat),
    });
    way.note(
        way.seat.borrow().as_ref().map(|seat| Arc::clone(&seat.address)),
        key,
    );
    Box::new(move |journey| {
        let way = Rc::clone(&way);
        Box::pin(async move { way.go(journey).await })
    })
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
        let connected = timeout(limit, self.open(&server, journey)).await;
        let entered = match connected {
            Ok(Ok(entered)) => entered,
            Ok(Err(why)) => return Err(format!("{server}: {why}")),
            Err(_) => return Err(format!("{server}: not there within {limit:?} (connect_timeout)")),
        };
        *self.seat.borrow_mut() = seat;
        self.note(Some(Arc::clone(&server)), &entered.key);
        Ok(Arrived {
            cancel: cancel::sender(Arc::clone(&self.front), server, &entered.key),
            upstream: entered.stream,
            told: Arrival {
                parameters: entered.parameters,
            },
            ahead: entered.inbox.rest(),
        })
    }

    async fn open(&self, server: &Address, journey: Journey) -> Result<Entered, String> {
        let Luggage::PostgreSql(luggage) = journey.luggage;
        let who = Who {
            address: server,
            user: &self.user,
            packet: &self.startup,
        };
        let opened = open_known(&self.front, who, self.means.as_ref()).await;
        let mut entered = Entered::of(opened.map_err(|fault| fault.to_string())?);
        let (mut unpacking, bytes) = Unpacking::begin(luggage, journey.to);
        entered.send(&bytes).await.map_err(|fault| fault.to_string())?;
        loop {
            let message = entered.message(MESSAGE_BYTES_MAX).await;
            let (tag, body) = message.map_err(|fault| fault.to_string())?;
            if let Some(outcome) = unpacking.hear(tag, &body) {
                return outcome.map(|()| entered);
            }
        }
    }

    /// Cancel requests go to where the session now is.
    fn note(&self, server: Option<Arc<Address>>, key_there: &[u8]) {
        if let Some(server) = server {
            let replicas = &self.front.tally.replicas;
            replicas.put_route(&self.key, server, key_there.into());
        }
    }
}
