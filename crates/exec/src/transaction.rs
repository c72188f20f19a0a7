//! EXEC: queued commands run under all their locks at once, and their effects are one unit of the log.

use crate::acl;
use crate::args::{Args, KeyAt};
use crate::changes::KeyName;
use crate::command::Reach;
use crate::compat::{Finding, Look};
use crate::plan::{self, Locks, Plan};
use crate::run::Turn;
use crate::session::Session;
use proto::Reply;

/// How EXEC ended.
pub(crate) enum Transaction {
    /// The queue was run, or was not because a watched key changed; the reply says which.
    Ran,
    /// Keys must be brought in first; nothing was run.
    Away(Vec<KeyName>),
    /// A script has some of the shards; nothing was run.
    TurnedAway,
    /// A snapshot must be given a large value first; nothing was run, and the client will be told.
    WaitsForWalk,
    /// A command was refused while it was queued.
    Aborted,
}

impl Turn<'_, '_> {
    /// EXEC: the queued commands, under all their locks at once.
    pub(crate) fn transaction(&mut self, session: &mut Session, reply: &mut Reply) -> Transaction {
        let Some(multi) = session.multi.as_ref() else { return Transaction::Aborted };
        if multi.dirty {
            crate::watch::end_multi(self.node, session);
            return Transaction::Aborted;
        }
        let mut keys = Vec::new();
        let mut plans = Vec::with_capacity(multi.queued.len());
        let mut world = false;
        for queued in &multi.queued {
            let (buf, words) = (&queued.request.buf, &queued.request.words);
            let plan = plan::plan(self.node, session.db, buf, words, &mut keys);
            let hasher = |key: &[u8]| self.node.keyspace.hash(key);
            let args = Args::new(buf, words, plan.keys(&keys), &hasher);
            let command = self.node.commands.command(queued.command);
            world |= !matches!(command.reach_of(self.node, &args), Reach::Keys);
            plans.push(plan);
        }
        if self.look == Look::Looking {
            let mut finding = Finding::default();
            for (queued, plan) in multi.queued.iter().zip(&plans) {
                let hasher = |key: &[u8]| self.node.keyspace.hash(key);
                let args = Args::new(&queued.request.buf, &queued.request.words, plan.keys(&keys), &hasher);
                finding.add(self.node, session.db, queued.command, &args, plan.keys(&keys));
            }
            self.conclude(&finding);
        }
        // Watched shards are locked too: two transactions that watch each other's keys must not
        // both succeed.
        let mut locked: Vec<KeyAt> = keys.clone();
        if let Some(watch) = &session.watch {
            locked.extend(watch.keys.iter().map(|key| KeyAt { word: 0, hash: key.hash }));
        }
        let mut shards = Vec::new();
        let locks = if world { Locks::World } else { plan::shards_of(&locked, &mut shards) };
        let mut away = Vec::new();
        let mut waits_for_walk = false;
        let ran = self.lock_as(locks, &shards, |turn| {
            if !turn.widen_for_waiters() {
                return false;
            }
            away = turn.keys_away(session, &plans, &keys);
            if !away.is_empty() {
                return true;
            }
            if turn.node.walk_waiters.is_walking() && turn.queue_wants(session, &plans, &keys) {
                turn.node.walk_waiters.add(&session.record);
                waits_for_walk = true;
                return true;
            }
            if let Some(watch) = &session.watch
                && crate::watch::is_broken(watch, &mut turn.held, turn.now)
            {
                crate::watch::take_multi(turn.node, session, &mut turn.held);
                reply.null_array();
                return true;
            }
            let multi = crate::watch::take_multi(turn.node, session, &mut turn.held).unwrap_or_default();
            turn.frozen_us = None;
            reply.array(multi.queued.len());
            session.deny_blocking = true;
            for (queued, plan) in multi.queued.iter().zip(&plans) {
                let hasher = |key: &[u8]| turn.node.keyspace.hash(key);
                let request = &queued.request;
                let mut args = Args::new(&request.buf, &request.words, plan.keys(&keys), &hasher);
                args.name_words = usize::from(plan.name_words);
                // The user may have lost the right since, or be another one.
                match acl::admit_queued(turn.node, session, queued.command, &args) {
                    Ok(()) => turn.call(session, reply, &args, queued.command, true),
                    Err(error) => turn.reply_refused(reply, queued.command, &error),
                }
            }
            session.deny_blocking = false;
            turn.append_unit();
            turn.serve_ready();
            true
        });
        if !ran {
            return Transaction::TurnedAway;
        }
        match away.is_empty() {
            true if waits_for_walk => Transaction::WaitsForWalk,
            true => Transaction::Ran,
            false => Transaction::Away(away),
        }
    }

    /// Would a queued command change a large value that a snapshot has not been given yet?
    fn queue_wants(&mut self, session: &Session, plans: &[Plan], keys: &[KeyAt]) -> bool {
        let Some(multi) = &session.multi else { return false };
        let mut wants = false;
        for (queued, plan) in multi.queued.iter().zip(plans) {
            let command = self.node.commands.command(queued.command);
            if command.is_write() && !command.replaces() {
                let keys = plan.keys(keys).iter().map(|at| (*at, queued.request.word(at.word as usize)));
                wants |= self.walk_wants(session.db, keys);
            }
        }
        wants
    }

    /// Keys of queued commands that must be brought in: a transaction is not left halfway.
    fn keys_away(&mut self, session: &Session, plans: &[Plan], keys: &[KeyAt]) -> Vec<KeyName> {
        let (Some(tier), Some(multi)) = (self.node.tier.get(), &session.multi) else { return Vec::new() };
        let db = session.db;
        let mut away = Vec::new();
        for (queued, plan) in multi.queued.iter().zip(plans) {
            for at in plan.keys(keys) {
                let key = queued.request.word(at.word as usize);
                let here = self.held.shard(at.hash.shard() as u8).find(db, at.hash, key).is_some();
                if !here && tier.may_hold(db, at.hash, key) {
                    away.push(KeyName { db, hash: at.hash, key: key.into() });
                }
            }
        }
        away
    }
}
