//! From bytes to a batch: one round of parsing and running, for all active connections.
//!
//! The words and requests of all connections stand in two arenas, and the executor gets a slice for
//! each, so that it can plan and prefetch across connections. What cannot stand in the arena (a line
//! with quotes in it) runs by itself, in its place. A connection whose command was parked, or that is
//! closing, keeps its bytes: the parser goes back to the first request that was not run.

use crate::conn::Conn;
use crate::limits;
use crate::loop_thread::{Active, EventLoop, over_limit};
use exec::session::{Close, OwnedRequest};
use exec::{Error, Job, metrics};
use proto::{Limits, Parser, Request, Step, Word};
use std::sync::atomic::Ordering::Relaxed;

// One connection's part of a round: between rounds its output is looked at.
const REQUESTS_MAX: usize = 1024;

// Requests of all connections in one round. Ten of them take a line of input and some of output each, so that
// what a round reads and writes stays in the second-level cache.
const ROUND_REQUESTS_MAX: usize = 512;

// Between the rounds of a long pipeline replies are sent from this length on.
const SEND_EARLY_BYTES: usize = 256 * 1024;

impl EventLoop {
    /// Whether there was anything to run. The turn calls until there is not.
    pub(crate) fn run_round(&mut self) -> bool {
        if !self.gather() {
            return false;
        }
        // What was asked after a change was acknowledged must be answered after its invalidation.
        if self.node.tracking.clients.load(Relaxed) > 0 {
            self.take_mail();
        }
        self.run_batch();
        self.after_batch();
        true
    }

    /// Reads and parses, connection after connection, until the round is full.
    fn gather(&mut self) -> bool {
        self.words.clear();
        self.requests.clear();
        self.cut = false;
        let mut any = false;
        for idx in 0..self.active.len() {
            if self.requests.len() >= ROUND_REQUESTS_MAX {
                self.cut = true;
                break;
            }
            if self.active[idx].conn.turn.read {
                self.read_one(idx);
                if self.limits_clients() {
                    self.limit_input(idx);
                }
            }
            let Active { slot, conn } = &mut self.active[idx];
            self.at = Some(*slot);
            if conn.is_held_back(&self.node.log) || !conn.turn.parse || !conn.session.is_open() {
                continue;
            }
            let limits = Limits {
                bulk_len_max: self.settings.bulk_len_max,
                authenticated: conn.session.authenticated,
                ..Limits::default()
            };
            parse(conn, &mut self.words, &mut self.requests, &limits);
            let turn = &conn.turn;
            any |= !turn.requests.is_empty() || turn.inline.is_some() || turn.error.is_some();
        }
        self.at = None;
        any
    }

    fn run_batch(&mut self) {
        let mut jobs = Vec::with_capacity(self.active.len());
        for Active { conn, .. } in &mut self.active {
            if conn.turn.requests.is_empty() {
                continue;
            }
            conn.lend_reply(&mut self.pools);
            if self.settings.show_own_query {
                conn.publish_input();
            }
            let reply_bytes_max = self.settings.output.batch_bytes_max(conn.session.record.kind());
            let Conn { session, reply, input, turn, .. } = &mut **conn;
            jobs.push(Job {
                session,
                reply,
                input: &input.buf,
                words: &self.words,
                requests: &self.requests[turn.requests.clone()],
                reply_bytes_max,
                done: 0,
            });
        }
        if !jobs.is_empty() {
            self.worker.run(&mut jobs);
        }
        self.done.clear();
        self.done.extend(jobs.iter().map(|job| job.done));
    }

    fn after_batch(&mut self) {
        let mut done = std::mem::take(&mut self.done).into_iter();
        for idx in 0..self.active.len() {
            let Active { slot, conn } = &mut self.active[idx];
            let requests = std::mem::take(&mut conn.turn.requests);
            if requests.is_empty() && conn.turn.inline.is_none() && conn.turn.error.is_none() {
                continue;
            }
            self.at = Some(*slot);
            let done = if requests.is_empty() { 0 } else { done.next().unwrap_or(0) };
            conn.turn.commands += done as u64;
            if done < requests.len() {
                conn.rewind(self.requests[requests.start + done].start);
                if conn.session.is_open() {
                    // Its replies pile up.
                    conn.turn.parse = true;
                    self.send_now(idx);
                }
                continue;
            }
            conn.input.at = conn.turn.reach;
            if !conn.session.is_open() {
                // What followed was read and not run; it is read again when the client goes on.
                conn.rewind(conn.turn.reach);
                continue;
            }
            self.run_rest(idx);
            self.between_rounds(idx);
        }
        self.at = None;
    }

    /// What came behind the requests: a line with quotes, or an error.
    fn run_rest(&mut self, idx: usize) {
        let conn = &mut *self.active[idx].conn;
        if let Some(inline) = conn.turn.inline.take() {
            conn.lend_reply(&mut self.pools);
            conn.input.at = inline.end;
            conn.turn.commands += 1;
            let request = OwnedRequest::from_words(&inline.words);
            self.worker.run_owned(&mut conn.session, &mut conn.reply, &request);
        } else if let Some(error) = conn.turn.error.take() {
            conn.lend_reply(&mut self.pools);
            kit::verbose!("{error} from client {}", crate::conn::described(&conn.session.record));
            let error = Error::from(error);
            self.worker.tally().add(&metrics::ERROR_REPLIES, 1);
            self.node.error_stats.count(error.prefix());
            conn.reply.error(&error);
            conn.session.close_after_reply();
        }
    }

    /// A long pipeline must not pile up all its replies before the first is sent, nor wait for the other
    /// connections' pipelines.
    fn between_rounds(&mut self, idx: usize) {
        let conn = &mut *self.active[idx].conn;
        let piles_up = conn.turn.parse && conn.reply.len() >= SEND_EARLY_BYTES;
        if !(piles_up || self.cut) || conn.interest.write || conn.session.close != Close::No {
            return;
        }
        self.send_now(idx);
    }

    /// Sends what a connection's socket takes, unless there is too much of it already.
    fn send_now(&mut self, idx: usize) {
        let conn = &mut *self.active[idx].conn;
        if over_limit(conn, &self.settings, self.now.0) {
            self.worker.tally().add(&metrics::OUTPUT_LIMIT_CLOSED, 1);
            return;
        }
        let before = conn.turn.bytes_out;
        if conn.send(&self.node.log) == crate::conn::Sent::Broken {
            conn.session.close = Close::Now;
        }
        self.worker.tally().add(&metrics::WRITES, 1);
        self.worker.tally().add(&metrics::NET_OUT, (conn.turn.bytes_out - before) as u64);
        if !conn.session.authenticated && conn.reply.len() > limits::STRANGER_UNREAD_BYTES_MAX {
            conn.session.close = Close::Now;
        }
    }
}

/// Adds a connection's whole requests to the arenas.
fn parse(conn: &mut Conn, words: &mut Vec<Word>, requests: &mut Vec<Request>, limits: &Limits) {
    let first = requests.len();
    let mut from = conn.input.at;
    let len = conn.input.buf.len();
    conn.turn.parse = false;
    // What a stranger may send is asked anew for each request: the one before may have been AUTH.
    let count_max = if limits.authenticated { REQUESTS_MAX } else { 1 };
    while from < len {
        if requests.len() - first == count_max {
            conn.turn.parse = true;
            break;
        }
        match conn.parser.next(&conn.input.buf, from, words, limits) {
            Ok(Step::Request(request)) => {
                from = request.end;
                requests.push(request);
            }
            Ok(Step::Inline(inline)) => {
                from = inline.start;
                conn.turn.inline = Some(inline);
                conn.turn.parse = true;
                break;
            }
            Ok(Step::Incomplete { wanted, consumed }) => {
                from = consumed;
                conn.input.wanted = wanted;
                break;
            }
            Err(error) => {
                conn.parser = Parser::default();
                conn.turn.error = Some(error);
                break;
            }
        }
    }
    conn.turn.requests = first..requests.len();
    conn.turn.reach = from;
    if first == requests.len() && conn.turn.inline.is_none() && conn.turn.error.is_none() {
        conn.input.at = from;
    }
}
