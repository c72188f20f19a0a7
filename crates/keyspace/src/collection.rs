//! A collection in its entry: looked at through a `View`, changed through an `ObjectMut`.
//!
//! The entry keeps its encoding (the kind in the head) and its word, see `types::object`. An `ObjectMut` takes the
//! collection out of the entry and puts it back when it is dropped, because a change may give it another encoding or
//! address. Always true: at every moment somebody can see an entry, it owns its collection.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use types::{Encoding, Object};

use crate::entry::EntryMut;
use crate::raw;

/// A collection in its entry; `view` opens it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectRef<'a> {
    encoding: Encoding,
    word: u64,
    life: PhantomData<&'a Object>,
}

impl<'a> ObjectRef<'a> {
    /// # Safety
    /// Encoding and word are those of an entry that nobody changes or frees during `'a`.
    #[inline]
    pub(crate) unsafe fn new(encoding: Encoding, word: u64) -> ObjectRef<'a> {
        ObjectRef { encoding, word, life: PhantomData }
    }

    pub fn encoding(self) -> Encoding {
        self.encoding
    }

    pub fn view(self) -> View<'a> {
        // SAFETY: `new` was promised an owner that stays as it is during 'a; a view only looks, and never drops
        // its object.
        let object = unsafe { Object::from_word(self.encoding, self.word) };
        View { object: ManuallyDrop::new(object), life: PhantomData }
    }
}

/// A collection, to be looked at.
pub struct View<'a> {
    object: ManuallyDrop<Object>,
    life: PhantomData<&'a Object>,
}

impl Deref for View<'_> {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        &self.object
    }
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.object.fmt(f)
    }
}

/// A collection, to be changed. It is back in its entry, and the gauges are right, when this is dropped, also by a
/// panic. If it is never dropped (`mem::forget`), the entry keeps an empty list.
pub struct ObjectMut<'a> {
    entry: EntryMut<'a>,
    object: ManuallyDrop<Object>,
    /// Its bytes when it was taken out, and whether elements of it had deadlines.
    bytes: usize,
    timed: bool,
}

impl<'a> ObjectMut<'a> {
    /// None for a string.
    pub(crate) fn take_from(entry: EntryMut<'a>) -> Option<ObjectMut<'a>> {
        // SAFETY: the entry is live, and `EntryMut` has it alone.
        let object = unsafe { raw::take_object(entry.at()) }?;
        let (bytes, timed) = (object.mem_bytes(), object.has_deadlines());
        Some(ObjectMut { bytes, timed, object: ManuallyDrop::new(object), entry })
    }

    pub fn key(&self) -> &[u8] {
        self.entry.key()
    }
}

impl Deref for ObjectMut<'_> {
    type Target = Object;

    #[inline]
    fn deref(&self) -> &Object {
        &self.object
    }
}

impl DerefMut for ObjectMut<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Object {
        &mut self.object
    }
}

impl Drop for ObjectMut<'_> {
    fn drop(&mut self) {
        // SAFETY: this is the end of the guard, nobody takes it a second time.
        let object = unsafe { ManuallyDrop::take(&mut self.object) };
        self.entry.gauges.change_bytes(self.bytes, object.mem_bytes());
        self.entry.gauges.change_inner_deadlines(self.timed, object.has_deadlines());
        // SAFETY: the entry is live and ours, and its collection was taken out in `take_from`.
        unsafe { raw::put_object(self.entry.at(), object) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering::Relaxed;

    use types::Hash;
    use types::hash::{Life, Limits};

    use super::*;
    use crate::buckets::{Gauges, pack, pointer};
    use crate::entry::tests::{random_bytes, random_deadline};
    use crate::entry::{CLOCK_MAX, Entry, Kind, NewValue, ValueRef};
    use kit::world::Rng;

    fn elements(object: &Object) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        object.for_each_digest(&mut |parts| all.push(parts[parts.len() - 1].to_vec()));
        all.sort();
        all
    }

    fn sorted(twin: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut twin = twin.to_vec();
        twin.sort();
        twin
    }

    /// A hash of elements, packed or not.
    fn collection(packed: bool) -> Object {
        let mut hash = Hash::new();
        let limits = Limits { fields: usize::from(packed), text_len: 1 << 16 };
        hash.set(b"f", b"v", Life::Forever, &limits);
        hash.remove(b"f");
        hash.into()
    }

    fn push(object: &mut Object, element: &[u8]) {
        let Object::Hash(hash) = object else { panic!("{object:?}") };
        let field = hash.len().to_le_bytes();
        assert!(hash.set(&field, element, Life::Forever, &Limits { fields: 100, text_len: 1 << 16 }));
    }

    #[test]
    fn collections_agree_with_a_twin() {
        for seed in 0..if cfg!(miri) { 6 } else { 60 } {
            let mut rng = Rng::new(seed);
            let (key, mut deadline, mut clock) = (random_bytes(&mut rng), random_deadline(&mut rng), 7);
            let object = collection(rng.one_in(2));
            let (encoding, mut twin) = (object.encoding(), Vec::new());
            let entry = Entry::with_object(&key, object, deadline, clock);
            let gauges = Gauges::default();
            gauges.change_bytes(0, entry.as_ref().value_bytes());
            gauges.change_deadline(false, deadline.is_some());
            let word = AtomicU64::new(pack(entry.into_raw(), 0xabcd));
            // SAFETY: the word holds the entry made above, and nobody else knows it.
            let entry_mut = || unsafe { EntryMut::new(&word, &gauges) };
            for step in 0..30 {
                let mut element = random_bytes(&mut rng);
                element.truncate(1 << 15); // longer ones would end the packed form
                match rng.below(6) {
                    0..3 => {
                        let mut guard = entry_mut().object_mut().expect("a collection");
                        assert_eq!((guard.key(), elements(&guard)), (&key[..], sorted(&twin)));
                        push(&mut guard, &element);
                        twin.push(element);
                    }
                    3 => {
                        deadline = random_deadline(&mut rng);
                        entry_mut().set_deadline(deadline);
                    }
                    4 => {
                        clock = rng.next_u64() as u32 & CLOCK_MAX;
                        entry_mut().set_clock(clock);
                    }
                    _ => {
                        let guarded = std::panic::AssertUnwindSafe(|| {
                            push(&mut entry_mut().object_mut().expect("a collection"), &element);
                            let mut guard = entry_mut().object_mut().expect("a collection");
                            push(&mut guard, b"and one more");
                            std::panic::resume_unwind(Box::new("half way"));
                        });
                        std::panic::catch_unwind(guarded).expect_err("it panics");
                        twin.extend([element, b"and one more".to_vec()]);
                    }
                }
                let entry = entry_mut();
                let (entry, note) = (entry.as_ref(), format!("seed {seed} step {step}"));
                assert_eq!((entry.key(), entry.kind()), (&key[..], Kind::Object(encoding)), "{note}");
                assert_eq!((entry.deadline(), entry.clock()), (deadline, clock), "{note}");
                // Two views at once, as a walk and a body may have them.
                let (one, two) = (entry.object().expect("a collection"), entry.object().expect("a collection"));
                assert_eq!((elements(&one), elements(&two)), (sorted(&twin), sorted(&twin)), "{note}");
                assert_eq!(entry.value_bytes(), entry.alloc_bytes() + one.mem_bytes());
                assert_eq!(gauges.entry_bytes.load(Relaxed), entry.value_bytes(), "{note}");
            }
            let copy = entry_mut().as_ref().to_entry();
            let mut entry = entry_mut();
            let old = match rng.below(3) {
                0 => {
                    let old = entry.rewrite(NewValue::Raw(b"text"), None, 1).expect("a collection");
                    assert_eq!((entry.value(), entry.as_ref().object().is_none()), (ValueRef::Raw(b"text"), true));
                    assert!(entry_mut().object_mut().is_none());
                    old
                }
                1 => {
                    entry.set_value(NewValue::Int(7));
                    assert_eq!(entry.value(), ValueRef::Int(7));
                    copy.as_ref().object().expect("a collection").duplicate()
                }
                _ => {
                    std::mem::forget(entry.object_mut());
                    assert!(entry_mut().as_ref().object().expect("an empty one").is_empty());
                    // Leaked by the forgetting, like every owner's memory.
                    copy.as_ref().object().expect("a collection").duplicate()
                }
            };
            // SAFETY: the entry is in no table, and the word is not used any more.
            drop(unsafe { Entry::from_raw(pointer(word.load(Relaxed)).expect("an address")) });
            assert_eq!(elements(&old), sorted(&twin));
            let renamed = copy.duplicate_as(b"x").renamed(b"other");
            assert_eq!((renamed.as_ref().key(), renamed.as_ref().deadline()), (&b"other"[..], deadline));
            assert_eq!((renamed.as_ref().clock(), renamed.as_ref().kind()), (clock, Kind::Object(encoding)));
            let object = std::thread::spawn(|| renamed.into_object()).join().expect("no panic").expect("a collection");
            assert_eq!((elements(&object), object.mem_bytes()), (sorted(&twin), old.duplicate().mem_bytes()));
        }
    }
}
