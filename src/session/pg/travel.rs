//! How a session comes to another server of its cluster, and back.
//!
//! Between two batches, in no transaction, the old server is asked for what must follow the session; the relay opens the
//! new connection and puts that in place; only what is there as it was here is gone on with. Guarantees that nothing of
//! the client's is sent meanwhile, and that what cannot move stays where it is, as read-only as it was.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    fault::Fault,
    gate::{Mode, Unmovable},
    session::{Arrival, Site, outlet::Outlets},
    wire::pg::{
        backend::{self, Status},
        frame::{Frames, HEADER_BYTES},
        frontend,
    },
};

use super::{
    Kind, Open, PgSession,
    attempts::ATTEMPTS_MAX,
    book::Name,
    customs::{Customs, GLANCE_BYTES},
    lost::Lost,
    luggage::{self, Luggage},
    own::Reply,
    parameters::READ_ONLY_DEFAULT,
    position::Position,
};

/// What a session knows of its journeys.
#[derive(Debug, Default)]
pub(super) struct Travel {
    pub(super) site: Site,
    /// The relay is about it.
    pub(super) under_way: bool,
    /// Why it is not where its order would have it.
    stays: Option<Arc<str>>,
    pub(super) going: Site,
    /// What the session had where it comes from, until it has arrived.
    pub(super) left: Option<Box<Luggage>>,
    pub(super) attempts: u32,
    /// What it has on the replica where it is.
    pub(super) kept: Option<Box<Luggage>>,
    /// That is not known any more: the server must be asked.
    pub(super) changed: bool,
    /// Each Parse of a name that the server has not confirmed: the name, the text, the types.
    pub(super) parses: VecDeque<(Name, Vec<u8>, Vec<u32>)>,
    /// Its replica is gone, and it has not come elsewhere.
    pub(super) lost: Option<Lost>,
    /// It looks for a server again although its client wants nothing.
    pub(super) retries: bool,
}

impl Travel {
    pub(super) fn at(site: Site) -> Self {
        let kept = (site == Site::Replica).then(|| Box::new(Luggage::of_login()));
        Self {
            site,
            kept,
            ..Self::default()
        }
    }
}

impl PgSession {
    /// Where the order would have the session.
    pub(super) fn ordered_site(&self) -> Site {
        match self.order.mode {
            Mode::Replica(..) => Site::Replica,
            Mode::Normal | Mode::ReadOnly(_) | Mode::Beside(_) => Site::Primary,
        }
    }

    /// It is where its order would have it, or must stay where it is.
    pub(super) fn is_in_place(&self) -> bool {
        let stays = self.travel.stays.is_some() && self.travel.site == Site::Primary;
        self.travel.site == self.ordered_site() || stays
    }

    pub(super) fn stays(&self) -> Option<Arc<str>> {
        self.travel.stays.clone().filter(|_| !self.is_where_ordered())
    }

    fn is_where_ordered(&self) -> bool {
        self.travel.site == self.ordered_site()
    }

    /// Custom settings are listed by no server.
    pub(super) fn glance(&mut self, tag: u8, message: &[u8]) {
        if !self.settings.travels || !matches!(tag, frontend::QUERY | frontend::PARSE) {
            return;
        }
        let mut seen = Customs::default();
        let end = message.len().min(HEADER_BYTES + GLANCE_BYTES);
        seen.look(message.get(HEADER_BYTES..end).unwrap_or_default());
        if seen != Customs::default() {
            self.customs.get_or_insert_default().add_all(seen);
        }
    }

    /// What must be asked for.
    pub(super) fn luggage_question(&self) -> String {
        let customs = self.customs.as_ref();
        luggage::question(customs.map(|customs| &**customs))
    }

    /// An order may change what there is to find out.
    pub(super) fn reconsider(&mut self) {
        self.travel.retries = self.travel.is_adrift();
        self.travel.stays = None;
        self.travel.attempts = 0;
    }

    /// Whether the journey can begin: the session is quiet and in no transaction.
    pub(super) fn must_travel(&mut self) -> bool {
        if self.is_in_place() || self.open != Open::No || self.travel.under_way {
            return false;
        }
        if self.kind != Kind::Sql {
            self.travel.stays = Some("it is a replication connection".into());
            return false;
        }
        if !self.settings.travels {
            self.travel.stays = Some("lull cannot log in as its user".into());
            return false;
        }
        if self.customs.as_ref().is_some_and(|customs| customs.unknown) {
            self.travel.stays = Some("it has custom settings of unknown names".into());
            return false;
        }
        // What kept it on a replica is asked anew when the client has done something since.
        self.travel.stays.is_none()
    }

    /// What cannot move is to end, by the operator's word.
    pub(super) fn must_end(&self) -> bool {
        let wanted = self.order.mode.lull().and_then(|lull| lull.request.replicas);
        let ends = wanted.is_some_and(|wanted| wanted.unmovable == Unmovable::Close);
        let idle = self.is_quiet() && self.transaction.status == Status::Idle;
        ends && idle && self.stays().is_some()
    }

    /// The client has done something: what kept the session may be gone.
    pub(super) fn try_again(&mut self) {
        if self.travel.site == Site::Replica && self.settings.travels {
            self.travel.stays = None;
        }
    }

    /// The server has listed what must follow.
    pub(super) fn pack(&mut self, reply: Reply) {
        if let Some((_, why)) = &reply.error {
            self.travel.attempts += 1;
            if !reply.was_cancelled() || self.travel.attempts >= ATTEMPTS_MAX {
                self.stay(why);
            }
            return;
        }
        let mut luggage = Luggage::read(&reply.rows, self.parameters.modes());
        if let Some(why) = luggage.stays.take() {
            return self.stay(&why);
        }
        luggage.unnamed.clone_from(&self.unnamed);
        luggage.customs = self.customs.as_deref().cloned();
        let to = self.ordered_site();
        luggage.behind = self.position();
        if to == Site::Primary && luggage.behind != Position::default() {
            // What it has read on the replica must be there too.
            luggage.behind = luggage.behind.max(luggage.position());
        }
        self.set_out(luggage, to);
    }

    /// What the server must have in its log that the session goes to.
    pub(super) fn position(&self) -> Position {
        let lull = self.lull.as_ref();
        lull.map(|lull| lull.position).unwrap_or_default()
    }

    fn stay(&mut self, why: &str) {
        self.travel.stays = Some(why.into());
    }

    /// The session's connection is another one from now on; or it stays where it is.
    pub(super) fn arrive(
        &mut self,
        arrival: Result<Arrival, String>,
        out: &mut Outlets,
    ) -> Result<(), Fault> {
        self.travel.under_way = false;
        let left = self.travel.left.take().unwrap_or_default();
        let parameters = match arrival {
            Ok(Arrival::PostgreSql { parameters }) => parameters,
            // It is another protocol's.
            Ok(Arrival::MySql(_)) => Vec::new(),
            Err(_) if self.travel.is_adrift() => return self.find_another_way(out),
            Err(why) => {
                self.stay(&why);
                return self.advance(&[], out);
            }
        };
        self.travel.site = self.travel.going;
        if !self.is_where_ordered() {
            self.stay("its replica has gone, and no other is fit");
        }
        self.upstream = Frames::default();
        let silent = !self.settings.announce;
        for (name, value) in parameters {
            self.parameters.report(&name, &value);
            let hidden = silent && name == READ_ONLY_DEFAULT;
            if left.reported(&name) != Some(&value) && !hidden {
                let parts: [&[u8]; 4] = [&name, b"\0", &value, b"\0"];
                frontend::write(out.to_client.buffer(&[]), backend::PARAMETER_STATUS, &parts);
            }
        }
        // What it has is what it had.
        let kept = self.travel.site == Site::Replica;
        (self.travel.kept, self.travel.changed) = (kept.then_some(left), false);
        if let Some(lost) = self.travel.lost.take() {
            self.account_for(&lost, out);
        }
        self.advance(&[], out)
    }
}
