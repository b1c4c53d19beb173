//! The upstream connection becomes one to another server.
//!
//! The login gives the relay a way to open such a connection, with everything in place that the session needs there. The
//! old connection is kept until then. It must not know how servers are found or logged in to.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::{Bulk, Cancel, Relay, Stream};
use crate::{
    fault::Fault,
    session::{Arrival, Instruction, Journey, outlet::Outlet},
};

/// A connection to another server, ready for the session.
pub struct Arrived {
    pub upstream: Stream,
    pub cancel: Cancel,
    pub told: Arrival,
    /// What the server has sent since.
    pub ahead: Vec<u8>,
}

pub type UnderWay = Pin<Box<dyn Future<Output = Result<Arrived, String>>>>;

/// Opens a connection to another server for a session. Given by the login, which knows how.
pub type Depart = Box<dyn Fn(Journey) -> UnderWay>;

impl Relay {
    /// With a way to other servers.
    #[must_use]
    pub fn with_way(mut self, depart: Option<Depart>) -> Self {
        self.depart = depart;
        self
    }

    pub(super) fn depart(&mut self, journey: Journey) {
        let no_way =
            || -> UnderWay { Box::pin(async { Err("there is no way to other servers".to_owned()) }) };
        let under_way = self.depart.as_ref().map_or_else(no_way, |depart| depart(journey));
        self.under_way = Some(under_way);
    }

    /// Goes on with a journey. True where it has ended.
    pub(super) fn travel(&mut self, cx: &mut Context<'_>) -> Result<bool, Fault> {
        let Some(under_way) = &mut self.under_way else {
            return Ok(false);
        };
        let Poll::Ready(outcome) = under_way.as_mut().poll(cx) else {
            return Ok(false);
        };
        self.under_way = None;
        let (told, ahead) = match outcome {
            Ok(arrived) => {
                // What was meant for the old server is nobody's now.
                self.out.to_upstream = Outlet::default();
                (self.upstream, self.cancel) = (arrived.upstream, arrived.cancel);
                (self.upstream_shut, self.adrift) = (false, false);
                self.untold = self.live.drive(|machine| machine.said_farewell());
                // What was known of the old one's stream says nothing of the new one's.
                (self.awaits_upstream, self.from_upstream) = (false, Bulk::default());
                (Ok(arrived.told), arrived.ahead)
            }
            Err(why) => (Err(why), Vec::new()),
        };
        let out = &mut self.out;
        self.live.drive(|machine| {
            machine.order(Instruction::Arrived(told), out)?;
            machine.upstream_bytes(&ahead, out)?;
            out.to_client.settle(&ahead);
            Ok(())
        })?;
        self.after_event();
        Ok(true)
    }
}
