//! How a session comes to another server of its cluster, and back.
//!
//! Between two commands, in no transaction, the old server is asked for what must follow the session; the relay opens the
//! new connection and puts that in place; only what is there as it was here is gone on with. Guarantees that nothing of
//! the client's is sent meanwhile, that what runs away from the primary is judged as in the lull that has sent it there,
//! and that what cannot move stays where it is, as read-only as it was.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    fault::Fault,
    gate::{Lull, Mode, Unmovable},
    session::{Arrival, Journey, Luggage as AnyLuggage, Refused, Site, outlet::Outlets},
    sql::mysql::{RefusedWords, Script},
    wire::mysql::{capability::Status, command, packet::Packets},
};

use super::{
    Asking, Gtids, MySession, Talk, deeds,
    glance::Glance,
    judgement::Judgement,
    luggage::{self, Luggage},
    own::{Gathered, Own},
    refusal::Refusal,
    variables,
    work::Work,
};

/// What a session knows of its journeys.
#[derive(Debug, Default)]
pub(super) struct Travel {
    pub(super) site: Site,
    /// The relay is about it.
    pub(super) under_way: bool,
    /// Why it is not where its order would have it.
    stays: Option<Arc<str>>,
    /// The lull that has sent it to where it is.
    sent_by: Option<Arc<Lull>>,
    /// The server, of MariaDB, does not know the table of the user's own variables.
    secretive: bool,
    /// It has become another user, as whom lull cannot log in.
    pub(super) is_another: bool,
    /// The server counts nothing by which it would have to stay.
    is_free: bool,
    /// What the server does not tell.
    left: Glance,
    /// What the client has said last by COM_SET_OPTION.
    pub(super) option: Option<[u8; 2]>,
}

impl Travel {
    /// The server has let go of all that the session had.
    pub(super) fn is_as_new(&mut self) {
        self.left = Glance::default();
    }
}

impl MySession {
    /// Where the order would have the session.
    fn ordered_site(&self) -> Site {
        match self.order.mode {
            Mode::Replica(..) => Site::Replica,
            Mode::Normal | Mode::ReadOnly(_) | Mode::Beside(_) => Site::Primary,
        }
    }

    /// Sees in passing what no question would bring to light.
    pub(super) fn glance(&mut self, first: u8, payload: &[u8]) {
        if self.settings.travels && matches!(first, command::QUERY | command::STMT_PREPARE) {
            self.travel.left.look(payload.get(1..).unwrap_or_default());
        }
    }

    pub(super) fn is_away(&self) -> bool {
        self.travel.site == Site::Replica
    }

    /// It is where its order would have it, or must stay where it is.
    pub(super) fn is_in_place(&self) -> bool {
        let stays = self.travel.stays.is_some() && !self.is_away();
        self.travel.site == self.ordered_site() || stays
    }

    pub(super) fn stays(&self) -> Option<Arc<str>> {
        let elsewhere = self.travel.site != self.ordered_site();
        self.travel.stays.clone().filter(|_| elsewhere)
    }

    /// The lull by which it is where it is, when that is over.
    pub(super) fn sent_by(&self) -> Option<Arc<Lull>> {
        self.travel.sent_by.clone().filter(|_| self.is_away())
    }

    /// An order may change what there is to find out.
    pub(super) fn reconsider(&mut self) {
        self.travel.stays = None;
    }

    /// The client has done something: what kept the session away may be gone.
    pub(super) fn try_again(&mut self) {
        self.travel.is_free = false;
        if self.is_away() {
            self.travel.stays = None;
        }
    }

    /// Looks whether there is something by which it cannot move that need not be asked for.
    pub(super) fn consider_journey(&mut self) {
        if !self.must_travel() {
            return;
        }
        let why = match () {
            () if self.talk == Talk::Log => "it is a replication connection",
            () if !self.settings.travels => "lull cannot log in as its user",
            () if self.travel.is_another => "it has become another user",
            () if self.travel.left.locks && !self.is_away() => "it has used GET_LOCK",
            () if self.travel.left.unknown => "it has variables of odd names, or too many",
            () if self.statements.incomplete => "it has prepared statements that lull does not remember",
            () if self.statements.is_any_open() => "it has an open cursor, or parameters sent ahead",
            () => return,
        };
        self.stay(why);
    }

    /// Whether the journey can begin: the session is in no transaction, and nothing keeps it.
    fn must_travel(&self) -> bool {
        let bound = self.in_transaction() || self.work.locks_tables;
        !self.is_in_place() && !bound && !self.travel.under_way && self.travel.stays.is_none()
    }

    /// What lull says so that the session gets to where its order would have it.
    pub(super) fn next_of_journey(&self) -> Option<Own> {
        if !self.must_travel() {
            return None;
        }
        match self.asking {
            Asking::Asked | Asking::Stained => self.next_of_question(),
            // Results do not tell where a transaction begins with them.
            Asking::No if !self.status.has(Status::AUTOCOMMIT) => Some(Own::Probe),
            // On a replica it can have done nothing of that kind.
            Asking::No | Asking::Between if !self.travel.is_free && !self.is_away() => Some(Own::Deeds),
            Asking::No | Asking::Between => Some(Own::Luggage),
            Asking::Within => None,
        }
    }

    pub(super) fn luggage_question(&self) -> String {
        let names = self.names_of_variables();
        let own = names.map(|names| variables::question(self.server, names));
        luggage::question(self.server, &[], &own.unwrap_or_default())
    }

    /// The user's own variables that are asked for. None where none need be, or can.
    fn names_of_variables(&self) -> Option<&BTreeSet<String>> {
        let names = &self.travel.left.names;
        let asks = self.server.is_mariadb() && !self.travel.secretive || !names.is_empty();
        asks.then_some(names)
    }

    /// What a replica must not be asked for: the session could not take it along when it goes home.
    pub(super) fn could_not_come_home(&self, judged: Judgement, text: &[u8], script: &Script) -> Judgement {
        let Judgement::Pass(does) = &judged else {
            return judged;
        };
        let mut locks = RefusedWords::new();
        locks.refuse(b"get_lock");
        let stays = !does.names.is_empty() || script.mentioned(text, &locks).is_some();
        if !self.is_away() || !stays {
            return judged;
        }
        Judgement::Refuse(Refusal::new(Refused::Leak, BOUND))
    }

    /// What cannot move is to end, by the operator's word.
    pub(super) fn must_end(&self) -> bool {
        let wanted = self.order.mode.lull().and_then(|lull| lull.request.replicas);
        let ends = wanted.is_some_and(|wanted| wanted.unmovable == Unmovable::Close);
        ends && self.is_quiet() && !self.in_transaction() && self.stays().is_some()
    }

    /// The server has said what the session has done.
    pub(super) fn told_of_deeds(&mut self, reply: &Gathered) {
        let before = self.asking;
        if !self.is_answered(reply) {
            return;
        }
        match deeds::why_it_stays(&reply.rows, self.server) {
            Some(why) => self.stay(why),
            // The next question follows at once.
            None => (self.travel.is_free, self.asking) = (true, before),
        }
    }

    /// A question of the journey's is answered; else that is the end of it.
    fn is_answered(&mut self, reply: &Gathered) -> bool {
        self.asking = match self.asking {
            Asking::Between => Asking::Asked,
            _ => Asking::Stained,
        };
        let Some((_, why)) = &reply.error else {
            return true;
        };
        self.stay(why);
        false
    }

    /// The server has listed what must follow.
    pub(super) fn pack(&mut self, reply: &Gathered) {
        let names = self.names_of_variables().cloned();
        if reply.failed() && self.server.is_mariadb() && !self.travel.secretive {
            // Without the table of the user's own variables it is asked once more.
            self.travel.secretive = true;
            let _ = self.is_answered(reply);
            self.travel.stays = None;
            return;
        }
        if !self.is_answered(reply) {
            return;
        }
        let mut luggage = Luggage::read(&reply.rows);
        if let Some(why) = luggage.stays.take() {
            return self.stay(&why);
        }
        luggage.names = names;
        luggage.statements = self.statements.all();
        luggage.option = self.travel.option;
        luggage.agreed = self.agreed.upstream;
        if let Mode::Replica(_, position) = &self.order.mode {
            luggage.fence = Gtids::read(position);
        }
        let journey = Journey {
            to: self.ordered_site(),
            luggage: AnyLuggage::MySql(Box::new(luggage)),
        };
        self.travel.under_way = true;
        self.effects().journey = Some(journey);
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
        let unpacked = match arrival {
            Ok(Arrival::MySql(unpacked)) => unpacked,
            // It is another protocol's.
            Ok(Arrival::PostgreSql { .. }) => return self.advance(&[], out),
            Err(why) => {
                self.stay(&why);
                return self.advance(&[], out);
            }
        };
        self.travel.site = match self.travel.site {
            Site::Primary => Site::Replica,
            Site::Replica => Site::Primary,
        };
        self.travel.sent_by = self.order.mode.lull().cloned();
        self.upstream = Packets::default();
        (self.server, self.connection_id) = (unpacked.server, unpacked.connection_id);
        self.status = unpacked.status;
        (self.work, self.asking) = (Work::default(), Asking::No);
        self.statements.renumber(&unpacked.numbers);
        self.advance(&[], out)
    }
}

const BOUND: &str = "It is refused because the session reads on a replica, and could not take a lock or a statement of \
    PREPARE along from there.";
