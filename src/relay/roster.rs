//! The sessions of one worker: who takes which order, and which fences wait for whom.
//!
//! Guarantees that a session which joins takes the worker's current view before its client learns that the login
//! succeeded, and that a fence counts every session that joined before its view: both happen on one thread, in order.

mod curious;

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::Arc,
};

use tokio::sync::{mpsc, oneshot};

use crate::{
    fault::Fault,
    gate::{Fence, Mode, Order, Principal, Scope, SessionId, Stragglers, View},
    session::{Activity, Answer, Audited, Instruction, Moved, Question, Report, Session, Site},
};

use super::live::{Facts, Live};

/// A database of a cluster.
pub type Place = (String, String);

/// What the worker needs from outside.
#[derive(Debug)]
pub enum Need {
    /// A session of this database is covered by a lull, and its audit is not known.
    Audit(Place),
    /// What was found in this database may no longer be all.
    AuditAgain(Place),
    /// A session in the second database waits for what is in the first, whose name is in lower case.
    AuditOf(Place, Place),
    /// Some idle session of this user must say this.
    Interrupt(Interrupt),
}

/// What a session of the user says so that another one's statement is interrupted.
#[derive(Clone, Debug)]
pub struct Interrupt {
    pub cluster: String,
    pub user: String,
    pub text: String,
}

struct Watch {
    fence: Fence,
    reached: oneshot::Sender<()>,
}

#[derive(Default)]
pub struct Roster {
    sessions: RefCell<HashMap<SessionId, Rc<Live>>>,
    next_id: Cell<SessionId>,
    /// One for the many sessions of a pool.
    principals: RefCell<HashSet<Rc<Principal>>>,
    view: RefCell<Arc<View>>,
    watches: RefCell<Vec<Watch>>,
    audits: RefCell<HashMap<Place, Audited>>,
    /// Who waits for the audit of a database that is not his own.
    curious: RefCell<HashMap<Place, HashSet<SessionId>>>,
    questions: RefCell<HashMap<u64, (SessionId, oneshot::Sender<Answer>)>>,
    next_question: Cell<u64>,
    needs: RefCell<Option<mpsc::UnboundedSender<Need>>>,
}

impl Roster {
    pub fn new(view: Arc<View>, needs: mpsc::UnboundedSender<Need>) -> Self {
        Self {
            view: RefCell::new(view),
            needs: RefCell::new(Some(needs)),
            ..Self::default()
        }
    }

    /// Takes a session in: `born` makes its machine with the order that holds now.
    pub fn join(
        &self,
        facts: Facts,
        born: impl FnOnce(Order) -> Result<Box<dyn Session>, Fault>,
    ) -> Result<Rc<Live>, Fault> {
        let order = self.order_for(&facts, &facts.principal);
        let machine = born(order.clone())?;
        let id = self.next_id.get();
        self.next_id.set(id.wrapping_add(1));
        // One that roams may do elsewhere what this lull must wait for.
        let into_lull = order.mode != Mode::Normal && !facts.roams;
        let born_at = if into_lull { order.generation } else { 0 };
        let live = Rc::new(Live::new(facts, id, born_at, machine));
        self.sessions.borrow_mut().insert(id, Rc::clone(&live));
        if order.mode != Mode::Normal {
            self.provide_audit(&live);
        }
        Ok(live)
    }

    /// Where a session of this principal is to be born.
    pub fn site_for(&self, cluster: &str, database: &str, user: &str) -> Site {
        let who = Principal {
            cluster: cluster.to_owned(),
            database: database.to_owned(),
            user: user.to_owned(),
        };
        match self.view.borrow().order_for(&who).mode {
            Mode::Replica(..) => Site::Replica,
            Mode::Normal | Mode::ReadOnly(_) | Mode::Beside(_) => Site::Primary,
        }
    }

    pub fn principal(&self, who: Principal) -> Rc<Principal> {
        let mut principals = self.principals.borrow_mut();
        if let Some(known) = principals.get(&who) {
            return Rc::clone(known);
        }
        let new = Rc::new(who);
        principals.insert(Rc::clone(&new));
        new
    }

    pub fn leave(&self, live: &Live) {
        let mut sessions = self.sessions.borrow_mut();
        sessions.remove(&live.id);
        if sessions.is_empty() {
            // Nobody is there: what many sessions needed is given back.
            *sessions = HashMap::new();
            *self.principals.borrow_mut() = HashSet::new();
        }
        drop(sessions);
        self.curious.borrow_mut().values_mut().for_each(|ids| {
            ids.remove(&live.id);
        });
        // Questions that it has not answered fail with their sender.
        self.questions
            .borrow_mut()
            .retain(|_, (asked, _)| *asked != live.id);
        self.recount(|fence| fence.ended(live.id));
    }

    pub fn stood(&self, live: &Live, generation: u64) {
        self.recount(|fence| fence.stood(live.id, generation));
    }

    fn recount(&self, change: impl Fn(&mut Fence)) {
        let mut watches = self.watches.borrow_mut();
        watches.iter_mut().for_each(|watch| change(&mut watch.fence));
        for at in (0..watches.len()).rev() {
            if watches.get(at).is_some_and(|watch| watch.fence.is_reached()) {
                // Who no longer waits, no longer waits.
                let _ = watches.swap_remove(at).reached.send(());
            }
        }
    }

    /// A session is another user's now, or in another database: it takes the order that holds there.
    pub(super) fn moved(&self, live: &Live, to: Moved) {
        let Moved { user, database } = to;
        let cluster = live.principal().cluster.clone();
        live.is_now(self.principal(Principal {
            cluster,
            database,
            user,
        }));
        self.give_order(live);
    }

    /// A session has made something in its database that may reach into others.
    pub(super) fn made_objects(&self, live: &Live) {
        let who = live.principal();
        if let Some(needs) = &*self.needs.borrow() {
            let _ = needs.send(Need::AuditAgain((who.cluster.clone(), who.database.clone())));
        }
    }

    fn give_order(&self, live: &Live) {
        let order = self.order_for(&live.facts, &live.principal());
        let normal = order.mode == Mode::Normal;
        live.tell(Instruction::Take(order));
        if !normal {
            self.provide_audit(live);
        }
    }

    fn order_for(&self, facts: &Facts, who: &Principal) -> Order {
        let view = self.view.borrow();
        if facts.bypass {
            return Order {
                generation: view.generation,
                mode: Mode::Normal,
            };
        }
        if facts.roams {
            return view.roaming_order_for(who);
        }
        view.order_for(who)
    }

    /// Gives every session its order at a new view.
    pub fn take_view(&self, view: Arc<View>) {
        *self.view.borrow_mut() = Arc::clone(&view);
        let sessions = self.all();
        if view.lulls.is_empty() {
            *self.curious.borrow_mut() = HashMap::new();
        }
        // A later lull asks again: routines change.
        self.audits.borrow_mut().retain(|(cluster, database), audited| {
            let beside = matches!(audited, Audited::MySql(_)) && view.is_beside(cluster);
            beside || view.reaches(cluster, database)
        });
        sessions.iter().for_each(|live| self.give_order(live));
    }

    pub(super) fn provide_audit(&self, live: &Live) {
        let principal = live.principal();
        let place = (principal.cluster.clone(), principal.database.clone());
        if let Some(audited) = self.audits.borrow().get(&place) {
            live.tell(Instruction::Audited(audited.clone()));
        } else if let Some(needs) = &*self.needs.borrow() {
            let _ = needs.send(Need::Audit(place));
        }
    }

    pub fn audited(&self, place: Place, audited: &Audited) {
        let (cluster, database) = &place;
        let beside = matches!(audited, Audited::MySql(_)) && self.view.borrow().is_beside(cluster);
        if !beside && !self.view.borrow().reaches(cluster, database) {
            return;
        }
        for live in self
            .all()
            .iter()
            .filter(|live| of_place(&live.principal(), &place))
        {
            live.tell(Instruction::Audited(audited.clone()));
        }
        self.tell_the_curious(&place, audited);
        self.audits.borrow_mut().insert(place, audited.clone());
    }

    /// Watches for the sessions in scope to stand at `generation`. The number of them, and the word when they do.
    pub fn watch(&self, scope: Scope, generation: u64) -> (usize, oneshot::Receiver<()>) {
        let (reached, word) = oneshot::channel();
        let in_scope = self.in_scope(&scope);
        // What one beside it has written and not committed may be anywhere.
        let beside = self
            .all()
            .into_iter()
            .filter(|live| live.facts.roams && !live.facts.bypass && scope.is_beside(&live.principal()));
        let waited_for = in_scope.iter().cloned().chain(beside);
        let stands = waited_for
            .filter(|live| live.born_at < generation)
            .map(|live| (live.id, live.report().stands_at));
        let fence = Fence::new(scope.clone(), generation, stands);
        if fence.is_reached() {
            let _ = reached.send(());
        } else {
            self.watches.borrow_mut().push(Watch { fence, reached });
        }
        (in_scope.len(), word)
    }

    /// Applies the drain policy to those in scope that do not stand. Who is being born into the lull has done nothing, and
    /// will not before it stands: no fence waits for it. `again`: where what runs is interrupted by another session of
    /// the user's, there may have been none that idled before.
    pub fn straggle(&self, scope: &Scope, generation: u64, policy: Stragglers, again: bool) {
        for live in self
            .in_scope(scope)
            .iter()
            .filter(|live| !again || live.facts.roams)
        {
            if live.born_at < generation && live.report().stands_at < generation {
                live.tell(Instruction::Straggle(policy));
            }
        }
    }

    /// Asks a question of lull's own on some session of the place, and of this user if one is named. None where there is
    /// no session.
    pub fn ask(&self, place: &Place, user: Option<&str>, text: String) -> Option<oneshot::Receiver<Answer>> {
        let now = self.view.borrow().generation;
        let sessions = self.all();
        let fits = |who: &Principal| of_place(who, place) && user.is_none_or(|user| user == who.user);
        let of_place = sessions
            .iter()
            .filter(|live| !live.facts.bypass && fits(&live.principal()));
        // One that stands and is idle answers at once. One that has failed to may do so again: its client may be cancelling
        // what it runs, or leave it no time.
        let rank = |live: &Live, report: &Report| {
            let (stands, idle) = (report.stands_at >= now, report.activity == Activity::Idle);
            // A replica's log is no word on the primary's.
            let at_home = report.site == Site::Primary;
            (at_home, stands, Reverse(live.questions_lost.get()), idle)
        };
        let able = of_place
            .map(|live| (live, live.report()))
            .filter(|(_, report)| report.takes_questions);
        let (live, _) = able.max_by_key(|(live, report)| rank(live, report))?;
        let id = self.next_question.get();
        self.next_question.set(id.wrapping_add(1));
        let (reply, answer) = oneshot::channel();
        self.questions.borrow_mut().insert(id, (live.id, reply));
        live.tell(Instruction::Ask(Question { id, text }));
        Some(answer)
    }

    /// Has another session interrupt what this one runs: here, or at another worker. What runs on a replica is left alone:
    /// nobody knows who is on the same one, and elsewhere the number of its connection is another's.
    pub(super) fn have_interrupted(&self, live: &Live, text: String) {
        if live.report().site == Site::Replica {
            return;
        }
        let who = live.principal();
        let interrupt = Interrupt {
            cluster: who.cluster.clone(),
            user: who.user.clone(),
            text,
        };
        if !self.interrupt(&interrupt)
            && let Some(needs) = &*self.needs.borrow()
        {
            let _ = needs.send(Need::Interrupt(interrupt));
        }
    }

    /// True where an idle session of the user was there. Its answer matters to nobody.
    pub fn interrupt(&self, interrupt: &Interrupt) -> bool {
        let sessions = self.all();
        let of_user = |live: &&Rc<Live>| {
            let who = live.principal();
            !live.facts.bypass && who.cluster == interrupt.cluster && who.user == interrupt.user
        };
        let idle = |live: &&Rc<Live>| {
            let report = live.report();
            let at_home = report.site == Site::Primary;
            at_home && report.takes_questions && report.activity == Activity::Idle
        };
        let Some(other) = sessions.iter().filter(of_user).find(idle) else {
            return false;
        };
        let id = self.next_question.get();
        self.next_question.set(id.wrapping_add(1));
        other.tell(Instruction::Ask(Question {
            id,
            text: interrupt.text.clone(),
        }));
        true
    }

    pub(super) fn answered(&self, live: &Live, question: u64, answer: Answer) {
        if answer.is_err() {
            live.lose_question();
        }
        if let Some((_, reply)) = self.questions.borrow_mut().remove(&question) {
            let _ = reply.send(answer);
        }
    }

    /// Whoever asked may ask another session.
    pub(super) fn unanswered(&self, live: &Live, question: u64) {
        live.lose_question();
        self.questions.borrow_mut().remove(&question);
    }

    pub fn generation(&self) -> u64 {
        self.view.borrow().generation
    }

    pub fn all(&self) -> Vec<Rc<Live>> {
        self.sessions.borrow().values().cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.sessions.borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn in_scope(&self, scope: &Scope) -> Vec<Rc<Live>> {
        let sessions = self.sessions.borrow();
        let covered = |live: &&Rc<Live>| !live.facts.bypass && scope.covers(&live.principal());
        sessions.values().filter(covered).cloned().collect()
    }
}

fn of_place(who: &Principal, place: &Place) -> bool {
    who.cluster == place.0 && who.database == place.1
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::{
        gate::{Gate, Prepared, Request},
        session::{Effects, outlet::Outlets},
    };

    /// A session whose server never answers.
    struct Mute;

    impl Session for Mute {
        fn client_bytes(&mut self, _: &[u8], _: &mut Outlets) -> Result<(), Fault> {
            Ok(())
        }
        fn upstream_bytes(&mut self, _: &[u8], _: &mut Outlets) -> Result<(), Fault> {
            Ok(())
        }
        fn order(&mut self, _: Instruction, _: &mut Outlets) -> Result<(), Fault> {
            Ok(())
        }
        fn wants_client(&self) -> bool {
            true
        }
        fn upstream_closed(&self) -> Result<(), Fault> {
            Ok(())
        }
        fn report(&self) -> Report {
            Report {
                statements_run: 0,
                stands_at: 0,
                read_only: false,
                activity: Activity::Idle,
                wrote: None,
                last_tag: "",
                takes_questions: false,
                site: Site::Primary,
                stays: None,
            }
        }
        fn last_words(&mut self, _: &Fault, _: &mut Outlets) {}
        fn said_farewell(&self) -> bool {
            false
        }
        fn take_effects(&mut self) -> Option<Box<Effects>> {
            None
        }
    }

    fn join(roster: &Roster) -> Rc<Live> {
        let facts = Facts {
            principal: roster.principal(Principal {
                cluster: "main".to_owned(),
                database: "shop".to_owned(),
                user: "app".to_owned(),
            }),
            application_name: "".into(),
            client: "".into(),
            roams: false,
            bypass: false,
            since: Instant::now(),
        };
        let born = |_| Ok(Box::new(Mute) as Box<dyn Session>);
        roster.join(facts, born).expect("a session")
    }

    #[test]
    fn who_is_born_into_a_lull_keeps_no_fence_away_and_is_not_ended_by_its_drain() {
        let mut gate = Gate::default();
        let roster = Roster::new(gate.view(), mpsc::unbounded_channel().0);
        let old = join(&roster);
        let request = Request {
            scope: Scope::all(),
            reason: String::new(),
            by: String::new(),
            drain_ms: 0,
            stragglers: Stragglers::Terminate,
            prepared: Prepared::Block,
            until_unix_ms: None,
            replicas: None,
        };
        let generation = gate.open(request, 0).generation;
        roster.take_view(gate.view());
        let young = join(&roster);
        let (sessions, mut reached) = roster.watch(Scope::all(), generation);
        assert_eq!(sessions, 2);
        roster.straggle(&Scope::all(), generation, Stragglers::Terminate, false);
        let told_to_end = |live: &Live| {
            std::iter::from_fn(|| live.next_instruction())
                .any(|said| matches!(said, Instruction::Straggle(_)))
        };
        assert!(told_to_end(&old) && !told_to_end(&young));
        assert!(reached.try_recv().is_err(), "the old one does not stand");
        roster.leave(&old);
        assert!(reached.try_recv().is_ok());
    }
}
