//! Collections behind keys, each type by its own name: `ctx.db.read::<List>(key)?`.
//!
//! Another type at the key is WRONGTYPE. A `View` reads, a `Guard` changes: the key counts as changed when the guard
//! is first borrowed mutably, once, so a body that finds nothing to do has marked nothing. No key holds an empty
//! collection after a command (streams excepted): a body that took elements away ends with `drop_if_empty`.

use crate::args::Key;
use crate::changes::Touched;
use crate::db::{Db, Look};
use crate::{notify, options};
use keyspace::{Deadline, Entry, EntryRef, ObjectMut};
use proto::Error;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use types::Typed;

/// A collection at a key, to be read.
pub struct View<'a, T> {
    object: keyspace::View<'a>,
    of: PhantomData<&'a T>,
}

impl<T: Typed> Deref for View<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        T::from_ref(&self.object).expect("its type was looked at")
    }
}

/// A collection at a key, to be changed. Reading it is free.
pub struct Guard<'a, T> {
    object: ObjectMut<'a>,
    touched: &'a mut Vec<Touched>,
    /// The mark to be set by the first change.
    unmarked: Option<Touched>,
    of: PhantomData<&'a mut T>,
}

impl<T: Typed> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        T::from_ref(&self.object).expect("its type was looked at")
    }
}

impl<T: Typed> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.touched.extend(self.unmarked.take());
        T::from_mut(&mut self.object).expect("its type was looked at")
    }
}

impl<T: Typed> Guard<'_, T> {
    /// Mutable without marking the key: for changes that leave the value what it was (a rehash, an order of
    /// bytes), and for finding out whether there is one to make. Say `touch` when there was.
    pub fn unmarked(&mut self) -> &mut T {
        T::from_mut(&mut self.object).expect("its type was looked at")
    }

    /// Marks the key as changed.
    pub fn touch(&mut self) {
        self.touched.extend(self.unmarked.take());
    }

    /// The same, when the change is none that a client could be waiting for.
    pub fn touch_quietly(&mut self) {
        let quiet = |mark| Touched { quiet: true, ..mark };
        self.touched.extend(self.unmarked.take().map(quiet));
    }
}

/// The collection behind an entry, or WRONGTYPE.
fn view_of<T: Typed>(entry: EntryRef<'_>) -> Result<View<'_, T>, Error> {
    match entry.object() {
        Some(object) if object.type_of() == T::TYPE => Ok(View { object, of: PhantomData }),
        Some(_) | None => Err(Error::WrongType),
    }
}

impl Db<'_, '_> {
    /// A collection, its elements about to be read: hits and misses are counted.
    pub fn read<T: Typed>(&mut self, key: Key) -> Result<Option<View<'_, T>>, Error> {
        self.read_entry(key)?.map(view_of).transpose()
    }

    /// Several at once, to be looked at side by side. The keys may be the same.
    pub fn read_all<T: Typed>(&mut self, keys: &[Key]) -> Result<Vec<Option<View<'_, T>>>, Error> {
        self.read_entries(keys)?.into_iter().map(|entry| entry.map(view_of).transpose()).collect()
    }

    /// The same before a change, for what has to be looked up first; nothing is counted.
    pub fn read_before_write<T: Typed>(&mut self, key: Key) -> Result<Option<View<'_, T>>, Error> {
        self.before_write(key)?.map(view_of).transpose()
    }

    /// A collection, to be changed.
    pub fn write<T: Typed>(&mut self, key: Key) -> Result<Option<Guard<'_, T>>, Error> {
        let mark = self.mark(key);
        let Some((entry, touched)) = self.find_marking(key, Look::Change)? else { return Ok(None) };
        if entry.kind().type_of() != T::TYPE {
            return Err(Error::WrongType);
        }
        let object = entry.object_mut().expect("a collection");
        Ok(Some(Guard { object, touched, unmarked: Some(mark), of: PhantomData }))
    }

    /// A collection, to be changed; made when there is none, which counts as a change already.
    pub fn write_or_make<T: Typed>(&mut self, key: Key, make: impl FnOnce() -> T) -> Result<Guard<'_, T>, Error> {
        if self.read_before_write::<T>(key)?.is_none() {
            return Ok(self.make(key, make()));
        }
        let mark = self.mark(key);
        Ok(self.guard(key, Some(mark)))
    }

    /// A collection at a key where a lookup just found none, without a deadline. Counts as a change.
    pub fn make<T: Typed>(&mut self, key: Key, collection: T) -> Guard<'_, T> {
        let entry = Entry::with_object(key.bytes, collection.into_object(), None, self.new_clock());
        self.insert_absent(key, entry);
        self.guard(key, None)
    }

    /// Of a collection that was just found or made.
    fn guard<T: Typed>(&mut self, key: Key, unmarked: Option<Touched>) -> Guard<'_, T> {
        let shard = self.held.shard(key.hash.shard() as u8);
        let entry = shard.find_mut(self.index, key.hash, key.bytes).expect("was just found or made");
        let object = entry.object_mut().expect("a collection");
        Guard { object, touched: &mut self.changes.touched, unmarked, of: PhantomData }
    }

    /// The end of a body that took elements away: a collection that has become empty goes, its key with it (event
    /// `del`). The body has marked the key as changed. True when it went.
    pub fn drop_if_empty(&mut self, key: Key) -> bool {
        let db = self.index;
        let shard = self.held.shard(key.hash.shard() as u8);
        let empty = shard.find(db, key.hash, key.bytes).and_then(EntryRef::object).is_some_and(|it| it.is_empty());
        if !empty {
            return false;
        }
        if let Some(entry) = shard.remove(db, key.hash, key.bytes) {
            self.node.freer.entry(entry, true);
        }
        self.forget_in_tier(key);
        self.event(notify::GENERIC, "del", key.bytes);
        true
    }

    /// Puts a whole collection at its key, whatever is there (`SINTERSTORE`). An empty one removes the key, with
    /// the event `del`. True when the key holds the collection now.
    pub fn put<T: Typed>(&mut self, key: Key, collection: T, deadline: Deadline) -> Result<bool, Error> {
        let object = collection.into_object();
        if object.is_empty() {
            if self.delete(key, self.node.config.get(&options::LAZY_SERVER_DEL))? {
                self.event(notify::GENERIC, "del", key.bytes);
            }
            return Ok(false);
        }
        let deadline = match deadline {
            Deadline::None => None,
            Deadline::Keep => self.deadline(key)?,
            Deadline::At(deadline) => Some(deadline),
        };
        let entry = Entry::with_object(key.bytes, object, deadline, self.new_clock());
        self.insert(key, entry)?;
        Ok(true)
    }
}
