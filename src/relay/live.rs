//! A living session as its worker knows it: who it is, its machine, and what it is told next.
//!
//! Belongs to one worker thread. The relay's task drives the machine; the roster leaves instructions and looks at
//! reports. Neither holds a borrow across a wait.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    task::Waker,
    time::Instant,
};

use crate::{
    gate::{Principal, SessionId},
    session::{Instruction, Report, Session},
};

/// What is known of a session from its login on.
#[derive(Debug)]
pub struct Facts {
    /// Who it was at its login.
    pub principal: Rc<Principal>,
    /// It can go to other databases of its cluster, and reach into them.
    pub roams: bool,
    pub application_name: Box<str>,
    pub client: Box<str>,
    /// No lull touches it.
    pub bypass: bool,
    pub since: Instant,
}

pub struct Live {
    pub facts: Facts,
    /// Who it is now.
    principal: RefCell<Rc<Principal>>,
    /// Its place in the roster.
    pub id: SessionId,
    /// The generation of its first order, if that was a lull's: its client hears nothing before it stands at that.
    pub born_at: u64,
    machine: RefCell<Box<dyn Session>>,
    inbox: RefCell<VecDeque<Instruction>>,
    waker: RefCell<Option<Waker>>,
    /// How many questions of lull's own it has not answered.
    pub(super) questions_lost: Cell<u32>,
    /// When its open transaction, or its running statement, began.
    pub(super) busy_since: Cell<Option<Instant>>,
}

impl Live {
    pub(super) fn new(facts: Facts, id: SessionId, born_at: u64, machine: Box<dyn Session>) -> Self {
        Self {
            principal: RefCell::new(Rc::clone(&facts.principal)),
            facts,
            id,
            born_at,
            machine: RefCell::new(machine),
            inbox: RefCell::default(),
            waker: RefCell::default(),
            questions_lost: Cell::default(),
            busy_since: Cell::default(),
        }
    }

    pub fn principal(&self) -> Rc<Principal> {
        Rc::clone(&self.principal.borrow())
    }

    pub(super) fn is_now(&self, who: Rc<Principal>) {
        *self.principal.borrow_mut() = who;
    }

    /// Leaves an instruction for the session's task.
    pub fn tell(&self, instruction: Instruction) {
        self.inbox.borrow_mut().push_back(instruction);
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    pub(super) fn lose_question(&self) {
        self.questions_lost
            .set(self.questions_lost.get().saturating_add(1));
    }

    pub fn report(&self) -> Report {
        self.machine.borrow().report()
    }

    pub fn busy_for_ms(&self, now: Instant) -> u64 {
        let began = self.busy_since.get();
        began.map_or(0, |began| {
            u64::try_from(now.duration_since(began).as_millis()).unwrap_or(u64::MAX)
        })
    }

    pub(super) fn next_instruction(&self) -> Option<Instruction> {
        self.inbox.borrow_mut().pop_front()
    }

    pub(super) fn wake_with(&self, waker: &Waker) {
        let mut kept = self.waker.borrow_mut();
        if kept.is_none() {
            *kept = Some(waker.clone());
        }
    }

    pub(super) fn drive<R>(&self, act: impl FnOnce(&mut dyn Session) -> R) -> R {
        act(self.machine.borrow_mut().as_mut())
    }
}
