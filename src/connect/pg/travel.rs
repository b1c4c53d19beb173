//! A session's way to another server of its cluster: a connection like the one that its client has opened, with what must
//! follow the session put in place there.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    cancel,
    enter::Entered,
    open::Startup,
    open_as::{Who, open_known},
    watch::Watch,
};
use crate::{
    auth::Means,
    config::Address,
    connect::{Front, replicas::Seat},
    fault::Fault,
    relay::{Arrived, Depart},
    session::{
        self, Arrival, Journey, Luggage, Site,
        pg::{self, Position, Unpacking},
    },
};

/// The answer to what the session has; its prepared statements are in it.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// How often a session that has lost its replica tries to come to another.
const TRY_EVERY: Duration = Duration::from_millis(50);
/// How long the primary may take to say where its log is: it may be away.
const FLOOR_WAIT: Duration = Duration::from_secs(1);

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
        let Luggage::PostgreSql(mut luggage) = journey.luggage else {
            return Err("the luggage is another protocol's".to_owned());
        };
        let Some(patience) = luggage.after_loss() else {
            return self.go_once(journey.to, luggage, None).await;
        };
        let until = Instant::now() + patience;
        let gone = self.seat.borrow_mut().take();
        if journey.to == Site::Replica {
            luggage.not_before(self.floor().await);
        }
        loop {
            let gone = gone.as_ref().map(|seat| &*seat.address);
            let outcome = self.go_once(journey.to, luggage.clone(), gone).await;
            if outcome.is_ok() || journey.to == Site::Primary || Instant::now() >= until {
                return outcome;
            }
            self.front.clock.pause(TRY_EVERY).await;
        }
    }

    /// How far a replica that has gone can have been, at the most: what its client has read may be as new as that. Where
    /// the primary is away, nothing new has come since the replicas were last seen.
    async fn floor(&self) -> Position {
        let (tally, since) = (&self.front.tally, Instant::now());
        let mut floor = tally.floor.lock().await;
        if let Some((asked, at)) = *floor
            && asked >= since
        {
            return Position::of(at);
        }
        let asked = Instant::now();
        let at = match self.front.clock.timeout(FLOOR_WAIT, self.ask_floor()).await {
            Some(Some(position)) => position.end_of_last_record(),
            _ => match tally.replicas.farthest() {
                Some(session::Position::PostgreSql(position)) => position,
                Some(session::Position::MySql(_)) | None => Position::default(),
            },
        };
        let at = at.number();
        *floor = Some((asked, at));
        Position::of(at)
    }

    async fn ask_floor(&self) -> Option<Position> {
        let primary = self.front.tally.replicas.primary()?;
        let mut watch = Watch::open(&self.front, &primary).await.ok()?;
        let row = watch.ask(pg::OF_PRIMARY).await.ok()?;
        Position::read(row.first()?.as_ref()?.as_bytes())
    }

    /// Rather not to the one that is gone.
    async fn go_once(
        &self,
        to: Site,
        luggage: Box<pg::Luggage>,
        gone: Option<&Address>,
    ) -> Result<Arrived, String> {
        let limit = self.front.cluster.limits.connect_timeout;
        let replicas = &self.front.tally.replicas;
        let (server, seat) = match to {
            Site::Primary => (replicas.primary().ok_or("there is no primary")?, None),
            Site::Replica => {
                let seat = replicas.seat_rather_than_on(gone).ok_or("no replica is fit")?;
                (Arc::clone(&seat.address), Some(seat))
            }
        };
        let clock = &self.front.clock;
        let connected = clock.timeout(limit, self.open(&server, to, luggage)).await;
        let entered = match connected {
            Some(Ok(entered)) => entered,
            Some(Err(why)) => return Err(format!("{server}: {why}")),
            None => return Err(format!("{server}: not there within {limit:?} (connect_timeout)")),
        };
        *self.seat.borrow_mut() = seat;
        self.note(Some(Arc::clone(&server)), &entered.key);
        Ok(Arrived {
            cancel: cancel::sender(Arc::clone(&self.front), server, &entered.key),
            upstream: entered.stream,
            told: Arrival::PostgreSql {
                parameters: entered.parameters,
            },
            ahead: entered.inbox.rest(),
        })
    }

    async fn open(&self, server: &Address, to: Site, luggage: Box<pg::Luggage>) -> Result<Entered, String> {
        let who = Who {
            address: server,
            user: &self.user,
            packet: &self.startup,
        };
        let opened = open_known(&self.front, who, self.means.as_ref()).await;
        let opened = opened.map_err(|fault| {
            let why = fault.to_string();
            if to == Site::Replica && matches!(fault, Fault::Upstream(_)) {
                self.front.tally.replicas.note_unreachable(server, &why);
            }
            why
        });
        let mut entered = Entered::of(opened?);
        let (mut unpacking, bytes) = Unpacking::begin(luggage, to);
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
