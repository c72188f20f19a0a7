//! The databases of one shard.
//!
//! Nearly everybody uses the first only: it stands in the shard itself. The others are made when they get their first
//! key, each in an allocation of its own, and gone with FLUSHDB: 256 shards times 16 databases would be half a MiB.

use std::iter::once;

use crate::shard::Db;

#[derive(Default)]
pub(crate) struct Dbs {
    first: Option<Db>,
    /// The others that have or had keys, ascending.
    others: Vec<(u32, Box<Db>)>,
}

impl Dbs {
    #[inline]
    pub(crate) fn get(&self, db: usize) -> Option<&Db> {
        if db == 0 {
            return self.first.as_ref();
        }
        self.place(db).ok().map(|at| &*self.others[at].1)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, db: usize) -> Option<&mut Db> {
        if db == 0 {
            return self.first.as_mut();
        }
        self.place(db).ok().map(|at| &mut *self.others[at].1)
    }

    #[inline]
    pub(crate) fn get_or_make(&mut self, db: usize, make: impl FnOnce() -> Db) -> &mut Db {
        if db == 0 {
            return self.first.get_or_insert_with(make);
        }
        let at = self.place(db).unwrap_or_else(|at| {
            self.others.reserve_exact(1);
            self.others.insert(at, (db as u32, Box::new(make())));
            at
        });
        &mut self.others[at].1
    }

    pub(crate) fn take(&mut self, db: usize) -> Option<Db> {
        if db == 0 {
            return self.first.take();
        }
        let (_, taken) = self.others.remove(self.place(db).ok()?);
        self.others.shrink_to_fit();
        Some(*taken)
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
        let others = self.others.iter().map(|(number, db)| Some((*number as usize, &**db)));
        once(self.first.as_ref().map(|db| (0, db))).chain(others).flatten()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Db)> {
        let others = self.others.iter_mut().map(|(number, db)| Some((*number as usize, &mut **db)));
        once(self.first.as_mut().map(|db| (0, db))).chain(others).flatten()
    }

    /// What the databases take beyond what is counted in them.
    pub(crate) fn own_bytes(&self) -> usize {
        self.others.capacity() * size_of::<(u32, Box<Db>)>() + self.others.len() * size_of::<Db>()
    }

    #[inline]
    fn place(&self, db: usize) -> Result<usize, usize> {
        self.others.binary_search_by_key(&db, |(number, _)| *number as usize)
    }
}
