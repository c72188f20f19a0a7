//! The databases of one shard.
//!
//! Nearly everybody uses the first only: it stands in the shard itself. The others are made when they get their first
//! key, each in an allocation of its own, and gone with FLUSHDB: 256 shards times 16 databases would be half a MiB.

use std::iter::once;

use crate::shard::Db;

#[derive(Default)]
pub(crate) struct Dbs {
    first: Option<Db>,
    /// As many as the highest that was ever used here needs. Database 1 is at 0.
    others: Vec<Option<Box<Db>>>,
}

impl Dbs {
    #[inline]
    pub(crate) fn get(&self, db: usize) -> Option<&Db> {
        match db.checked_sub(1) {
            None => self.first.as_ref(),
            Some(at) => self.others.get(at)?.as_deref(),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, db: usize) -> Option<&mut Db> {
        match db.checked_sub(1) {
            None => self.first.as_mut(),
            Some(at) => self.others.get_mut(at)?.as_deref_mut(),
        }
    }

    #[inline]
    pub(crate) fn get_or_make(&mut self, db: usize, make: impl FnOnce() -> Db) -> &mut Db {
        match db.checked_sub(1) {
            None => self.first.get_or_insert_with(make),
            Some(at) => self.place(at).get_or_insert_with(|| Box::new(make())),
        }
    }

    pub(crate) fn take(&mut self, db: usize) -> Option<Db> {
        match db.checked_sub(1) {
            None => self.first.take(),
            Some(at) => self.others.get_mut(at)?.take().map(|db| *db),
        }
    }

    pub(crate) fn swap(&mut self, a: usize, b: usize) {
        let (of_a, of_b) = (self.take(a), self.take(b));
        for (at, taken) in [(a, of_b), (b, of_a)] {
            if let Some(taken) = taken {
                self.get_or_make(at, || taken);
            }
        }
    }

    /// With their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Db)> {
        let others = self.others.iter().map(Option::as_deref);
        once(self.first.as_ref()).chain(others).enumerate().filter_map(|(at, db)| Some((at, db?)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Db)> {
        let others = self.others.iter_mut().map(Option::as_deref_mut);
        once(self.first.as_mut()).chain(others).enumerate().filter_map(|(at, db)| Some((at, db?)))
    }

    /// What the databases take beyond what is counted in them.
    pub(crate) fn own_bytes(&self) -> usize {
        let boxes = self.others.iter().flatten().count() * size_of::<Db>();
        self.others.capacity() * size_of::<Option<Box<Db>>>() + boxes
    }

    fn place(&mut self, at: usize) -> &mut Option<Box<Db>> {
        if self.others.len() <= at {
            self.others.reserve_exact(at + 1 - self.others.len());
            self.others.resize_with(at + 1, || None);
        }
        &mut self.others[at]
    }
}
