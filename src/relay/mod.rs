//! The one loop that moves bytes: ready -> event -> session -> outlets.
//!
//! One task per session, on one thread, owns both streams. It reads straight into the worker's buffer, hands the
//! chunk to the machine, and writes what the machine forwards straight from the buffer. **A read never waits for a
//! write**: what cannot be written at once stays in an outlet, and a full outlet stops reading from the other side.
//! Poll-style reads on purpose: after a short read the runtime knows that the socket is drained, where a `readable`
//! and `try_read` pair would ask the kernel once more.
//!
//! It must not know protocols, lulls or how a login goes.

mod bulk;
mod counting;
mod journey;
mod live;
mod roster;
mod stream;
mod transfer;

use std::{
    any::Any,
    cell::RefCell,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{
    clock::Clock,
    fault::Fault,
    session::{
        Activity, Effects, HangUp, Instruction,
        outlet::{Outlet, Outlets},
    },
    telemetry::metrics::WorkerMetrics,
};

use bulk::Bulk;
pub use journey::{Arrived, Depart, UnderWay};
pub use live::{Facts, Live};
pub use roster::{Interrupt, Need, Place, Roster};
pub use stream::{Plain, Stream};
use transfer::{read, write};

/// Large enough for one read of a bulk transfer; one per worker, because only one session reads at a time.
pub const READ_BUFFER_BYTES: usize = 256 << 10;
/// After so many rounds a busy session lets others run.
const ROUNDS_MAX: u32 = 16;
/// How long a client may take to hear the last word.
const PARTING_WAIT: Duration = Duration::from_secs(1);

/// What all sessions of a worker share.
pub struct Worker {
    pub roster: Roster,
    pub buffer: RefCell<Vec<u8>>,
    pub clock: Clock,
}

/// Sends a cancel request for a session, and calls back when the server has seen to it. Given by the login, which knows
/// how.
pub type Cancel = Box<dyn Fn(SeenTo)>;
pub type SeenTo = Box<dyn FnOnce()>;

/// How a session ended.
#[derive(Debug)]
pub enum End {
    /// The client left, and the upstream has closed.
    Client,
    /// The upstream closed.
    Upstream,
    /// lull ended it.
    HungUp(HangUp),
    Fault(Fault),
}

pub struct Relay {
    pub worker: Rc<Worker>,
    pub live: Rc<Live>,
    pub client: Stream,
    pub upstream: Stream,
    pub out: Outlets,
    pub metrics: Arc<WorkerMetrics>,
    pub cancel: Cancel,
    depart: Option<Depart>,
    under_way: Option<UnderWay>,
    /// The client sends no more; it may still be listening.
    client_silent: bool,
    client_gone: bool,
    /// Nothing more can be sent to the upstream.
    upstream_shut: bool,
    /// The upstream has gone, and the session goes on: there is none until it has come to another.
    adrift: bool,
    /// The client's farewell went to a server that the session has left since.
    untold: bool,
    hung_up: Option<HangUp>,
    stood_at: u64,
    /// As the machine has counted them.
    statements_run: u32,
    /// Since when the machine keeps bytes of the client back.
    held_since: Option<Instant>,
    /// They had nothing to read in this turn, and will wake the task when they have: no need to ask again.
    awaits_client: bool,
    awaits_upstream: bool,
    ahead: Option<Ahead>,
    from_client: Bulk,
    from_upstream: Bulk,
    /// Given back when the session is over.
    _place: Option<Box<dyn Any>>,
}

/// What both ends have sent before the relay took over.
#[derive(Debug, Default)]
pub struct Ahead {
    pub client: Vec<u8>,
    pub upstream: Vec<u8>,
}

impl Relay {
    pub fn new(
        worker: Rc<Worker>,
        live: Rc<Live>,
        (client, upstream): (Stream, Stream),
        out: Outlets,
        metrics: Arc<WorkerMetrics>,
        cancel: Cancel,
    ) -> Self {
        Self {
            worker,
            live,
            client,
            upstream,
            out,
            metrics,
            cancel,
            depart: None,
            under_way: None,
            client_silent: false,
            client_gone: false,
            upstream_shut: false,
            adrift: false,
            untold: false,
            hung_up: None,
            stood_at: 0,
            statements_run: 0,
            held_since: None,
            awaits_client: false,
            awaits_upstream: false,
            ahead: None,
            from_client: Bulk::default(),
            from_upstream: Bulk::default(),
            _place: None,
        }
    }

    /// With what came ahead, and something to hold until the end.
    pub fn with(mut self, ahead: Ahead, place: Box<dyn Any>) -> Self {
        let any = !ahead.client.is_empty() || !ahead.upstream.is_empty();
        (self.ahead, self._place) = (any.then_some(ahead), Some(place));
        self
    }

    /// Moves bytes until the session is over. The session leaves the roster only when its upstream has closed: until
    /// then a statement of it may be running.
    pub async fn run(mut self: Box<Self>) -> End {
        let end = poll_fn(|cx| self.poll(cx)).await;
        self.worker.roster.leave(&self.live);
        // A client that has said goodbye and closed waits for nothing.
        let waits = !matches!(end, End::Client) || !self.out.to_client.is_empty();
        if waits {
            // Boxed, so that the task of a session that idles is small.
            Box::pin(self.part(&end)).await;
        }
        end
    }

    /// Takes leave of the client, so that it reads all that was meant for it: a socket that is closed with something
    /// unread in it takes back what it has sent.
    async fn part(self: Box<Self>, end: &End) {
        let Self {
            mut client,
            upstream,
            out,
            client_gone,
            worker,
            ..
        } = *self;
        drop(upstream);
        if client_gone {
            return;
        }
        let parting = async {
            let _ = client.write_all(out.to_client.waiting()).await;
            let _ = client.shutdown().await;
            if matches!(end, End::Fault(_)) {
                let mut rest = [0; 512];
                while matches!(client.read(&mut rest).await, Ok(1..)) {}
            }
        };
        // Whoever does not listen does not keep us.
        let _ = worker.clock.timeout(PARTING_WAIT, parting).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.live.wake_with(cx.waker());
        (self.awaits_client, self.awaits_upstream) = (false, false);
        for _ in 0..ROUNDS_MAX {
            match self.round(cx) {
                Ok(Round::Moved) => {}
                Ok(Round::Still) => return Poll::Pending,
                Ok(Round::Over) => return Poll::Ready(self.end()),
                Err(fault) => {
                    self.last_words(&fault, cx);
                    return Poll::Ready(End::Fault(fault));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn end(&self) -> End {
        match (self.hung_up, self.client_silent) {
            (Some(why), _) => End::HungUp(why),
            (None, true) => End::Client,
            (None, false) => End::Upstream,
        }
    }

    fn round(&mut self, cx: &mut Context<'_>) -> Result<Round, Fault> {
        let mut moved = self.take_instructions()? | self.travel(cx)?;
        if let Some(ahead) = self.ahead.take() {
            self.take_ahead(&ahead)?;
        }
        self.flush(cx);
        self.from_client.look(&self.client, cx);
        self.from_upstream.look(&self.upstream, cx);
        match self.read_upstream(cx)? {
            Round::Over => return self.over(cx),
            round => moved |= round == Round::Moved,
        }
        moved |= self.read_client(cx)? == Round::Moved;
        Ok(if moved { Round::Moved } else { Round::Still })
    }

    fn take_instructions(&mut self) -> Result<bool, Fault> {
        let mut any = false;
        while let Some(instruction) = self.live.next_instruction() {
            let out = &mut self.out;
            self.live.drive(|machine| machine.order(instruction, out))?;
            self.after_event();
            any = true;
        }
        Ok(any)
    }

    fn take_ahead(&mut self, ahead: &Ahead) -> Result<(), Fault> {
        let out = &mut self.out;
        self.live.drive(|machine| {
            machine.upstream_bytes(&ahead.upstream, out)?;
            out.to_client.settle(&ahead.upstream);
            machine.client_bytes(&ahead.client, out)?;
            out.to_upstream.settle(&ahead.client);
            Ok(())
        })?;
        self.after_event();
        Ok(())
    }

    fn read_upstream(&mut self, cx: &mut Context<'_>) -> Result<Round, Fault> {
        if self.adrift {
            // Nothing but a client keeps it.
            let left = self.client_silent && (self.client_gone || self.out.to_client.is_empty());
            return Ok(if left { Round::Over } else { Round::Still });
        }
        // What the client has not taken yet stops the upstream, as it would without a proxy.
        if self.awaits_upstream || !self.out.to_client.is_empty() && !self.client_gone {
            return Ok(Round::Still);
        }
        let worker = Rc::clone(&self.worker);
        let mut buffer = worker.buffer.borrow_mut();
        let chunk = match read(&mut self.upstream, &mut buffer, cx) {
            Poll::Pending => {
                self.awaits_upstream = true;
                return Ok(Round::Still);
            }
            // The session is about to leave it.
            Poll::Ready(Ok(0) | Err(_)) if self.under_way.is_some() => return Ok(Round::Still),
            Poll::Ready(Ok(0)) => return Ok(Round::Over),
            Poll::Ready(Ok(bytes)) => buffer.get(..bytes).unwrap_or_default(),
            // The server has gone without a word: no statement of the session runs any more.
            Poll::Ready(Err(_)) => return Ok(Round::Over),
        };
        self.metrics.upstream_bytes.add(chunk.len() as u64);
        self.from_upstream
            .sent(chunk.len(), &self.upstream, &self.worker.clock);
        self.from_client.interrupted(&self.client);
        let out = &mut self.out;
        self.live.drive(|machine| machine.upstream_bytes(chunk, out))?;
        if self.client_gone {
            self.out.to_client = Outlet::default();
        } else if write(&mut self.client, &mut self.out.to_client, chunk, cx).is_err() {
            self.lose_client();
        }
        self.after_event();
        Ok(Round::Moved)
    }

    fn read_client(&mut self, cx: &mut Context<'_>) -> Result<Round, Fault> {
        let deaf = self.client_silent || self.upstream_shut || !self.out.to_upstream.is_empty();
        if self.awaits_client || deaf || !self.live.drive(|machine| machine.wants_client()) {
            return Ok(Round::Still);
        }
        let worker = Rc::clone(&self.worker);
        let mut buffer = worker.buffer.borrow_mut();
        let chunk = match read(&mut self.client, &mut buffer, cx) {
            Poll::Pending => {
                self.awaits_client = true;
                return Ok(Round::Still);
            }
            Poll::Ready(Ok(0)) => {
                // It may be waiting for the answers to what it has sent.
                self.client_silent = true;
                return Ok(Round::Moved);
            }
            Poll::Ready(Err(_)) => {
                self.lose_client();
                return Ok(Round::Moved);
            }
            Poll::Ready(Ok(bytes)) => buffer.get(..bytes).unwrap_or_default(),
        };
        self.metrics.client_bytes.add(chunk.len() as u64);
        self.from_client
            .sent(chunk.len(), &self.client, &self.worker.clock);
        self.from_upstream.interrupted(&self.upstream);
        let out = &mut self.out;
        self.live.drive(|machine| machine.client_bytes(chunk, out))?;
        self.send_upstream(chunk, cx);
        self.after_event();
        Ok(Round::Moved)
    }

    /// A server that takes nothing more may have said why: that is still read, and the client hears it.
    fn send_upstream(&mut self, chunk: &[u8], cx: &mut Context<'_>) {
        if self.adrift {
            self.out.to_upstream = Outlet::default();
        } else if self.upstream_shut
            || write(&mut self.upstream, &mut self.out.to_upstream, chunk, cx).is_err()
        {
            self.upstream_shut = true;
            self.out.to_upstream = Outlet::default();
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        let nothing_waits = self.out.to_client.is_empty() && self.out.to_upstream.is_empty();
        let encrypted = self.client.is_tls() || self.upstream.is_tls();
        if nothing_waits && !encrypted && self.hung_up.is_none() && !self.client_silent {
            return;
        }
        if !self.client_gone && write(&mut self.client, &mut self.out.to_client, &[], cx).is_err() {
            self.lose_client();
        }
        self.send_upstream(&[], cx);
        for stream in [&mut self.client, &mut self.upstream] {
            if stream.is_tls() {
                // What TLS keeps back goes out when the socket takes it. An error shows at the next read.
                let _ = Pin::new(stream).poll_flush(cx);
            }
        }
        if self.hung_up.is_some() && !self.client_gone && self.out.to_client.is_empty() {
            let _ = Pin::new(&mut self.client).poll_shutdown(cx);
            self.lose_client();
        }
        let takes = self.live.drive(|machine| machine.wants_client());
        if self.client_silent && !self.upstream_shut && takes && self.out.to_upstream.is_empty() {
            // The server sees what it would see of a client that left; what it still runs, it ends by itself. One that
            // has been told Terminate closes unasked.
            let told = !self.untold && self.live.drive(|machine| machine.said_farewell());
            self.upstream_shut = told || Pin::new(&mut self.upstream).poll_shutdown(cx).is_ready();
        }
    }

    fn lose_client(&mut self) {
        (self.client_silent, self.client_gone) = (true, true);
        self.out.to_client = Outlet::default();
    }

    /// The upstream has closed: the client gets what it is owed.
    fn over(&mut self, cx: &mut Context<'_>) -> Result<Round, Fault> {
        if !self.client_silent && self.live.drive(|machine| machine.lose_upstream()) {
            (self.adrift, self.upstream_shut) = (true, false);
            self.out.to_upstream = Outlet::default();
            self.after_event();
            return Ok(Round::Moved);
        }
        if !self.client_silent {
            self.live.drive(|machine| machine.upstream_closed())?;
        }
        if self.client_gone || self.out.to_client.is_empty() {
            return Ok(Round::Over);
        }
        match write(&mut self.client, &mut self.out.to_client, &[], cx) {
            Ok(()) if !self.out.to_client.is_empty() => Ok(Round::Still),
            _ => Ok(Round::Over),
        }
    }

    /// Sees to what the machine decided besides bytes.
    fn after_event(&mut self) {
        let (effects, report, holds) = self
            .live
            .drive(|machine| (machine.take_effects(), machine.report(), !machine.wants_client()));
        if let Some(effects) = effects {
            self.carry_out(*effects);
        }
        let ran = report.statements_run.wrapping_sub(self.statements_run);
        if ran > 0 {
            self.statements_run = report.statements_run;
            self.metrics.statements.add(u64::from(ran));
        }
        self.note_wait(holds);
        self.note_busy(report.activity);
        if report.stands_at != self.stood_at {
            self.stood_at = report.stands_at;
            self.worker.roster.stood(&self.live, report.stands_at);
        }
    }

    fn carry_out(&mut self, effects: Effects) {
        self.count(effects.counts);
        for (question, answer) in effects.answers {
            self.worker.roster.answered(&self.live, question, answer);
        }
        if let Some(to) = effects.moved {
            self.worker.roster.moved(&self.live, to);
        }
        for question in effects.unanswered {
            self.worker.roster.unanswered(&self.live, question);
        }
        if let Some(journey) = effects.journey {
            self.depart(journey);
        }
        if effects.made_objects {
            self.worker.roster.made_objects(&self.live);
        }
        if effects.needs_audit {
            self.worker.roster.provide_audit(&self.live);
        }
        if let Some(database) = effects.needs_audit_of {
            self.worker.roster.provide_audit_of(&self.live, database);
        }
        if effects.cancel {
            let live = Rc::clone(&self.live);
            (self.cancel)(Box::new(move || live.tell(Instruction::CancelSeenTo)));
        }
        if let Some(text) = effects.interrupt {
            self.worker.roster.have_interrupted(&self.live, text);
        }
        self.hung_up = self.hung_up.or(effects.hang_up);
    }

    fn note_wait(&mut self, holds: bool) {
        match (holds, self.held_since) {
            (true, None) => self.held_since = Some(Instant::now()),
            (false, Some(since)) => {
                self.metrics.wait.observe(since.elapsed());
                self.held_since = None;
            }
            _ => {}
        }
    }

    fn note_busy(&self, activity: Activity) {
        match (activity, self.live.busy_since.get()) {
            (Activity::Idle, Some(_)) => self.live.busy_since.set(None),
            (Activity::Idle, None) | (_, Some(_)) => {}
            (_, None) => self.live.busy_since.set(Some(Instant::now())),
        }
    }

    /// Tells the client why its session ends, as far as it will listen.
    fn last_words(&mut self, fault: &Fault, cx: &mut Context<'_>) {
        let out = &mut self.out;
        self.live.drive(|machine| machine.last_words(fault, out));
        let _ = write(&mut self.client, &mut self.out.to_client, &[], cx);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Moved,
    Still,
    Over,
}
