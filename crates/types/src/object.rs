//! A collection of any type, and how it stands beside a key: as a word of 8 bytes and a code of 5 bits.
//!
//! The code is its type and encoding (the table `encodings!` below), the word the address of its memory: a `Thin`
//! for a small form, a `Heap` for a large one. The keyspace keeps both in the entry, so a small collection is two
//! allocations, and TYPE and OBJECT ENCODING need not look into it.
//! A type lists its forms with `forms!`, one line each; that macro does the turning into words and back.

use crate::{Hash, Heap, List, Set, SortedSet, Stream, Thin};

/// What TYPE answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Type {
    String,
    List,
    Hash,
    Set,
    SortedSet,
    Stream,
}

impl Type {
    pub const ALL: [Type; 6] = [Type::String, Type::List, Type::Hash, Type::Set, Type::SortedSet, Type::Stream];

    pub const fn name(self) -> &'static str {
        match self {
            Type::String => "string",
            Type::List => "list",
            Type::Hash => "hash",
            Type::Set => "set",
            Type::SortedSet => "zset",
            Type::Stream => "stream",
        }
    }
}

macro_rules! encodings {
    ($($name:ident = $code:literal, $type:ident, $text:literal;)*) => {
        /// How a collection is held. The codes live in memory only; 0 to 7 are the keyspace's, for strings.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Encoding { $($name = $code,)* }

        impl Encoding {
            pub const ALL: &[Encoding] = &[$(Encoding::$name,)*];

            #[inline]
            pub const fn from_code(code: u8) -> Option<Encoding> {
                match code {
                    $($code => Some(Encoding::$name),)*
                    _ => None,
                }
            }

            pub const fn type_of(self) -> Type {
                match self { $(Encoding::$name => Type::$type,)* }
            }

            /// What OBJECT ENCODING answers.
            pub const fn name(self) -> &'static str {
                match self { $(Encoding::$name => $text,)* }
            }
        }
    };
}

encodings! {
    ListPacked = 8, List, "listpack";
    ListChunks = 9, List, "quicklist";
    HashPacked = 10, Hash, "listpack";
    HashTable = 11, Hash, "hashtable";
    SetInts = 12, Set, "intset";
    SetPacked = 13, Set, "listpack";
    SetTable = 14, Set, "hashtable";
    SortedSetPacked = 15, SortedSet, "listpack";
    SortedSetTree = 16, SortedSet, "skiplist";
    Stream = 17, Stream, "stream";
    HashTimed = 18, Hash, "listpackex";
    // Free: 19 to 31.
}

/// The lowest code of a collection, and the highest that fits into an entry's head.
pub const CODE_MIN: u8 = 8;
pub const CODE_MAX: u8 = 31;

impl Encoding {
    #[inline]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// What can be the memory of a form: owners behind one address.
///
/// # Safety
/// `from_word` gives back the owner that `into_word` was given, and several owners made from one word may look at
/// the same time (so a `Box` is none: it claims to be alone).
pub unsafe trait Payload: Sized + Send + Sync {
    fn into_word(self) -> u64;

    /// # Safety
    /// The word came from `into_word`, and of all owners made from it only one is ever dropped or changed, while
    /// none of the others is used.
    unsafe fn from_word(word: u64) -> Self;
}

// SAFETY: a Thin is its address.
unsafe impl Payload for Thin {
    #[inline]
    fn into_word(self) -> u64 {
        Thin::into_word(self)
    }

    #[inline]
    unsafe fn from_word(word: u64) -> Thin {
        // SAFETY: the caller's promise is the one asked for.
        unsafe { Thin::from_word(word) }
    }
}

// SAFETY: a Heap is its address.
unsafe impl<T: Send + Sync> Payload for Heap<T> {
    #[inline]
    fn into_word(self) -> u64 {
        Heap::into_word(self)
    }

    #[inline]
    unsafe fn from_word(word: u64) -> Heap<T> {
        // SAFETY: the caller's promise is the one asked for.
        unsafe { Heap::from_word(word) }
    }
}

/// `forms! { enum Form of List { Packed(Thin) = ListPacked, Chunks(Heap<Chunks>) = ListChunks } }`
///
/// The forms of a type: variant, memory (a `Payload`), row in the table of encodings.
macro_rules! forms {
    (enum $form:ident of $type:ident { $($variant:ident($payload:ty) = $encoding:ident),* $(,)? }) => {
        #[derive(Debug)]
        enum $form { $($variant($payload),)* }

        impl $type {
            pub fn encoding(&self) -> $crate::Encoding {
                match &self.form { $($form::$variant(_) => $crate::Encoding::$encoding,)* }
            }

            pub(crate) fn into_word(self) -> ($crate::Encoding, u64) {
                match self.form {
                    $($form::$variant(payload) => {
                        ($crate::Encoding::$encoding, $crate::object::Payload::into_word(payload))
                    })*
                }
            }

            /// # Safety
            /// As `Object::from_word`.
            #[allow(unsafe_code)]
            pub(crate) unsafe fn from_word(encoding: $crate::Encoding, word: u64) -> $type {
                let form = match encoding {
                    $($crate::Encoding::$encoding => {
                        // SAFETY: the caller's promise; the encoding says which payload the word came from.
                        $form::$variant(unsafe { <$payload as $crate::object::Payload>::from_word(word) })
                    })*
                    #[allow(unreachable_patterns, reason = "a type may have all encodings of the table")]
                    other => unreachable!("{other:?} is no form of {}", stringify!($type)),
                };
                $type { form }
            }
        }
    };
}
pub(crate) use forms;

/// A collection of any type.
#[derive(Debug)]
pub enum Object {
    List(List),
    Hash(Hash),
    Set(Set),
    SortedSet(SortedSet),
    Stream(Stream),
}

/// The same question to whatever it is: a type that cannot answer does not build.
macro_rules! ask {
    ($object:expr, $it:ident => $answer:expr) => {
        match $object {
            Object::List($it) => $answer,
            Object::Hash($it) => $answer,
            Object::Set($it) => $answer,
            Object::SortedSet($it) => $answer,
            Object::Stream($it) => $answer,
        }
    };
}

/// See `Object::prefetch`.
pub const PREFETCH_PASSES: usize = 3;

impl Object {
    #[inline]
    pub fn type_of(&self) -> Type {
        self.encoding().type_of()
    }

    #[inline]
    pub fn encoding(&self) -> Encoding {
        ask!(self, it => it.encoding())
    }

    /// Elements: of a list, members of a set, fields of a hash, entries of a stream.
    pub fn len(&self) -> usize {
        ask!(self, it => it.len())
    }

    pub fn is_empty(&self) -> bool {
        ask!(self, it => it.is_empty())
    }

    /// Has it elements with a deadline of their own (fields of a hash)? Constant time.
    #[inline]
    pub fn has_deadlines(&self) -> bool {
        matches!(self, Object::Hash(hash) if hash.timed_len() > 0)
    }

    /// The first deadline of its elements, in Unix milliseconds.
    pub fn soonest_deadline(&self) -> Option<i64> {
        match self {
            Object::Hash(hash) => hash.soonest(),
            Object::List(_) | Object::Set(_) | Object::SortedSet(_) | Object::Stream(_) => None,
        }
    }

    /// Somebody will look for this element soon: what that will read is fetched. First pass 0 for all elements of a
    /// batch, then pass 1, which follows where 0 led, and so on below `PREFETCH_PASSES`.
    #[inline]
    pub fn prefetch(&self, element: &[u8], pass: usize) {
        match self {
            Object::Hash(hash) => hash.prefetch(element, pass),
            Object::Set(set) => set.prefetch(element, pass),
            Object::SortedSet(set) => set.prefetch(element, pass),
            Object::List(_) | Object::Stream(_) => {}
        }
    }

    /// Bytes of all its allocations. Constant time: it is asked before and after every change. The same state
    /// must give the same number.
    pub fn mem_bytes(&self) -> usize {
        ask!(self, it => it.mem_bytes())
    }

    /// About how many allocations freeing it takes. Constant time.
    pub fn effort(&self) -> usize {
        ask!(self, it => it.effort())
    }

    /// A copy that shares nothing, no larger than it needs to be.
    pub fn duplicate(&self) -> Object {
        ask!(self, it => it.duplicate().into_object())
    }

    /// For DEBUG DIGEST: calls `f` once for each element with the parts that make it (field and value; member and
    /// score). The order of calls does not count: where order is part of the value, the place is one of the parts.
    /// The same value gives the same calls, whatever its encoding.
    pub fn for_each_digest(&self, f: &mut dyn FnMut(&[&[u8]])) {
        ask!(self, it => it.for_each_digest(f));
    }

    /// Gives up the object for its code and its word. Only `from_word` can free it again.
    #[inline]
    pub fn into_word(self) -> (Encoding, u64) {
        ask!(self, it => it.into_word())
    }

    /// # Safety
    /// Both came from one `into_word`, or the encoding's payload is a `Thin` and the word 0. Of all objects made
    /// from them only one is ever dropped or changed, while none of the others is used.
    #[inline]
    pub unsafe fn from_word(encoding: Encoding, word: u64) -> Object {
        // SAFETY: the caller's promise is the one asked for.
        unsafe {
            match encoding.type_of() {
                Type::List => Object::List(List::from_word(encoding, word)),
                Type::Hash => Object::Hash(Hash::from_word(encoding, word)),
                Type::Set => Object::Set(Set::from_word(encoding, word)),
                Type::SortedSet => Object::SortedSet(SortedSet::from_word(encoding, word)),
                Type::Stream => Object::Stream(Stream::from_word(encoding, word)),
                Type::String => unreachable!("strings have no row in the table of encodings"),
            }
        }
    }
}

/// A type that can stand behind a key.
pub trait Typed: Sized {
    const TYPE: Type;

    fn into_object(self) -> Object;
    fn from_object(object: Object) -> Option<Self>;
    fn from_ref(object: &Object) -> Option<&Self>;
    fn from_mut(object: &mut Object) -> Option<&mut Self>;
}

macro_rules! typed {
    ($($type:ident)*) => {$(
        impl Typed for $type {
            const TYPE: Type = Type::$type;

            #[inline]
            fn into_object(self) -> Object {
                Object::$type(self)
            }

            #[inline]
            fn from_object(object: Object) -> Option<$type> {
                if let Object::$type(it) = object { Some(it) } else { None }
            }

            #[inline]
            fn from_ref(object: &Object) -> Option<&$type> {
                if let Object::$type(it) = object { Some(it) } else { None }
            }

            #[inline]
            fn from_mut(object: &mut Object) -> Option<&mut $type> {
                if let Object::$type(it) = object { Some(it) } else { None }
            }
        }

        impl From<$type> for Object {
            fn from(it: $type) -> Object {
                Object::$type(it)
            }
        }
    )*};
}

typed! { List Hash Set SortedSet Stream }

const _: () = {
    const fn crosses_threads<T: Send + Sync>() {}
    // Freed off the event loops, read by a snapshot.
    crosses_threads::<Object>();
    let mut i = 0;
    while i < Encoding::ALL.len() {
        let code = Encoding::ALL[i].code();
        assert!(code >= CODE_MIN && code <= CODE_MAX, "five bits, the lowest codes are strings");
        i += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> [Object; 5] {
        let (mut list, mut hash, mut set) = (List::new(), Hash::new(), Set::new());
        let (mut sorted, mut stream) = (SortedSet::new(), Stream::new());
        list.push(b"x");
        hash.set(b"x", b"x", crate::hash::Life::Forever, &crate::hash::Limits { fields: 512, text_len: 64 });
        set.add(crate::set::Member::of(b"x"), &crate::set::Limits::USUAL);
        sorted.push(b"x");
        let limits = crate::stream::ChunkLimits { bytes: 0, entries: 0 };
        stream.entries_mut().append(crate::stream::Id::new(1, 1), 2, |_| b"x", limits);
        [list.into(), hash.into(), set.into(), sorted.into(), stream.into()]
    }

    #[test]
    fn goes_through_a_word() {
        for (object, ty) in one_of_each().into_iter().zip(&Type::ALL[1..]) {
            assert_eq!((object.type_of(), object.len(), object.is_empty()), (*ty, 1, false));
            let (shown, encoding, bytes) = (format!("{object:?}"), object.encoding(), object.mem_bytes());
            let copy = object.duplicate();
            let (code, word) = object.into_word();
            assert_eq!((code, Encoding::from_code(code.code())), (encoding, Some(encoding)));
            // SAFETY: given up just now.
            let back = unsafe { Object::from_word(code, word) };
            assert_eq!((format!("{back:?}"), back.mem_bytes()), (shown.clone(), bytes));
            drop(back);
            assert_eq!(format!("{copy:?}"), shown, "shares nothing");
            assert!(bytes > 0 && copy.effort() == 1);
        }
    }

    #[test]
    fn digests_know_the_order_of_lists() {
        let digest = |elements: &[&[u8]]| {
            let mut list = List::new();
            elements.iter().for_each(|element| list.push(element));
            let mut parts = Vec::new();
            Object::from(list).for_each_digest(&mut |element| parts.push(element.concat()));
            parts.sort();
            parts
        };
        assert_eq!(digest(&[b"a", b"b"]), digest(&[b"a", b"b"]));
        assert_ne!(digest(&[b"a", b"b"]), digest(&[b"b", b"a"]));
    }

    #[test]
    fn only_its_own_type_comes_out() {
        for object in one_of_each() {
            assert_eq!(List::from_ref(&object).is_some(), object.type_of() == Type::List);
            assert_eq!(Stream::from_object(object.duplicate()).is_some(), object.type_of() == Stream::TYPE);
        }
    }

    #[test]
    fn fetching_takes_any_element_of_any_form() {
        for (mut object, count) in
            one_of_each().into_iter().chain(one_of_each()).zip([0; 5].into_iter().chain([300; 5]))
        {
            let name = |i: usize| format!("{i:0>width$}", width = 1 + i * 3).into_bytes();
            for i in 0..count {
                match &mut object {
                    Object::Hash(hash) => {
                        hash.set(
                            &name(i),
                            &name(i),
                            crate::hash::Life::Forever,
                            &crate::hash::Limits { fields: 9, text_len: 9 },
                        );
                    }
                    Object::Set(set) => _ = set.add(crate::set::Member::of(&name(i)), &crate::set::Limits::USUAL),
                    Object::SortedSet(sorted) => {
                        _ = sorted.insert(&name(i), i as f64, crate::sorted_set::Limits::default())
                    }
                    Object::List(_) | Object::Stream(_) => {}
                }
            }
            let shown = format!("{object:?}");
            for i in 0..=count {
                (0..=PREFETCH_PASSES).for_each(|pass| object.prefetch(&name(i), pass));
            }
            assert_eq!(format!("{object:?}"), shown);
        }
    }

    #[test]
    fn codes_are_not_used_twice() {
        for code in 0..=255 {
            let encoding = Encoding::from_code(code);
            assert_eq!(encoding.is_some(), (8..19).contains(&code));
            assert!(encoding.is_none_or(|encoding| encoding.code() == code));
        }
    }
}
