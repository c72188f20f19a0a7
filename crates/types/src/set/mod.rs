//! Sets: sorted numbers, one packed buffer, or a table.
//!
//! A set begins as an array of numbers (`ints.rs`) or as one packed buffer (`bucket.rs`), and becomes a table of such
//! buffers (`table.rs`) when it outgrows the limits it is changed with. It never goes back: a set that has shrunk is
//! likely to grow again. Encodings and limits are Redis's.
//!
//! Bytes a member in all, a million of them: 17.5 for `member:000001` and the like (Redis 7.0: 48.4), 6.6 for the numbers
//! below a million (Redis: 40.4).
//! Always true: which encoding holds a member does not change how it is found, nor what is read: `Member`.

mod bucket;
mod ints;
mod large;
mod load;
mod member;
mod segments;
mod table;

pub(crate) use load::Loading;
pub use member::Member;

use crate::object::forms;
use crate::{Heap, Thin};
use bucket::{small, tag};
use kit::size::size_class;
use kit::world::Rng;
use member::{Record, TEXT_MAX};
use table::Table;

#[derive(Debug)]
pub struct Set {
    form: Form,
}

forms! {
    enum Form of Set {
        Ints(Thin) = SetInts,
        Packed(Thin) = SetPacked,
        Table(Heap<Table>) = SetTable,
    }
}

/// Where small encodings end.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Members of a set of numbers.
    pub ints: usize,
    /// Members of a packed set.
    pub packed: usize,
    /// Bytes of one of them.
    pub packed_value: usize,
}

impl Limits {
    /// Those of a server that was told nothing.
    pub const USUAL: Limits = Limits { ints: 512, packed: 128, packed_value: 64 };

    fn ints(&self) -> usize {
        self.ints.min(1 << 30)
    }

    fn packed(&self) -> usize {
        self.packed.min(bucket::COUNT_MAX)
    }

    fn packed_value(&self) -> usize {
        self.packed_value.min(TEXT_MAX)
    }
}

/// Where a member stands, until the next change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Place(table::Place);

impl Place {
    fn in_one(i: usize) -> Place {
        Place(table::Place { bucket: 0, i: i as u32 })
    }

    fn i(self) -> usize {
        self.0.i as usize
    }
}

impl Default for Set {
    fn default() -> Set {
        Set::new()
    }
}

impl Set {
    pub const fn new() -> Set {
        Set { form: Form::Ints(Thin::new()) }
    }

    /// An empty set for members of which this is the first and `count` the number, doubles counted.
    pub fn for_members(first: Member<'_>, count: usize, limits: &Limits) -> Set {
        let form = if matches!(first, Member::Int(_)) && count <= limits.ints() {
            Form::Ints(Thin::new())
        } else if count <= limits.packed() {
            Form::Packed(Thin::new())
        } else {
            Form::Table(Heap::new(Table::with_room(count)))
        };
        Set { form }
    }

    /// `count` members will be added, doubles counted: a small form that could not hold even those ends now.
    pub fn expect(&mut self, count: usize, limits: &Limits) {
        let too_many = match &self.form {
            Form::Ints(_) => count > limits.ints(),
            Form::Packed(_) => count > limits.packed(),
            Form::Table(_) => false,
        };
        if too_many {
            self.make_table(count);
        }
    }

    #[inline]
    pub(crate) fn prefetch(&self, member: &[u8], pass: usize) {
        if let Form::Table(table) = &self.form {
            table.prefetch(Member::of(member).hash(), pass);
        }
    }

    /// False when it is there already.
    #[inline]
    pub fn add(&mut self, member: Member<'_>, limits: &Limits) -> bool {
        match (&mut self.form, member) {
            (Form::Table(table), _) => table.add(member),
            (Form::Packed(bytes), _) => {
                let (hash, record) = (member.hash(), Record::of(member));
                let fits = record.filter(|_| member.text_len() <= limits.packed_value());
                if let Some(record) = record
                    && bucket::find(bytes, tag(hash), &record).is_some()
                {
                    return false;
                }
                match fits {
                    Some(record) if bucket::count(bytes) < limits.packed() => bucket::push(bytes, tag(hash), &record),
                    _ => self.make_table(0).add_absent(hash, member),
                }
                true
            }
            (Form::Ints(ints), Member::Int(n)) => {
                if !ints::insert(ints, n) {
                    return false;
                }
                if ints::len(ints) > limits.ints() {
                    self.make_table(0);
                }
                true
            }
            (Form::Ints(ints), Member::Text(text)) => {
                let fits = |len: usize| len <= limits.packed_value();
                let ends = [0, ints::len(ints).saturating_sub(1)];
                let widest = |i: usize| ints::len(ints) == 0 || fits(Member::Int(ints::get(ints, i)).text_len());
                if ints::len(ints) < limits.packed() && fits(text.len()) && ends.into_iter().all(widest) {
                    let mut bytes = Thin::new();
                    for i in 0..ints::len(ints) {
                        push_packed(&mut bytes, Member::Int(ints::get(ints, i)));
                    }
                    push_packed(&mut bytes, member);
                    self.form = Form::Packed(bytes);
                } else {
                    self.make_table(0).add_absent(member.hash(), member);
                }
                true
            }
        }
    }

    /// Makes it a table, with room for `more` members at least.
    fn make_table(&mut self, more: usize) -> &mut Table {
        if !matches!(self.form, Form::Table(_)) {
            let mut table = Table::with_room(more.max(self.len() + 1));
            self.iter().for_each(|member| table.add_absent(member.hash(), member));
            self.form = Form::Table(Heap::new(table));
        }
        match &mut self.form {
            Form::Table(table) => table,
            Form::Ints(_) | Form::Packed(_) => unreachable!("was made one"),
        }
    }

    #[inline]
    pub fn find(&self, member: Member<'_>) -> Option<Place> {
        match (&self.form, member) {
            (Form::Table(table), _) => table.find(member.hash(), member).map(Place),
            (Form::Packed(bytes), _) => {
                let record = Record::of(member)?;
                bucket::find(bytes, tag(member.hash()), &record).map(Place::in_one)
            }
            (Form::Ints(ints), Member::Int(n)) => ints::find(ints, n).ok().map(Place::in_one),
            (Form::Ints(_), Member::Text(_)) => None,
        }
    }

    #[inline]
    pub fn contains(&self, member: Member<'_>) -> bool {
        self.find(member).is_some()
    }

    pub fn remove(&mut self, member: Member<'_>) -> bool {
        let place = self.find(member);
        place.into_iter().for_each(|place| self.remove_at(place));
        place.is_some()
    }

    /// The member at a place, which must be one of this set as it is now.
    #[inline]
    pub fn at(&self, place: Place) -> Member<'_> {
        match &self.form {
            Form::Ints(ints) => Member::Int(ints::get(ints, place.i())),
            Form::Packed(bytes) => small(bucket::get(bytes, place.i())),
            Form::Table(table) => table.at(place.0),
        }
    }

    pub fn remove_at(&mut self, place: Place) {
        match &mut self.form {
            Form::Ints(ints) => ints::remove_at(ints, place.i()),
            Form::Packed(bytes) => bucket::remove(bytes, place.i()),
            Form::Table(table) => table.remove_at(place.0),
        }
    }

    /// Any member, each equally likely. None when there is none.
    pub fn random(&self, rng: &mut Rng) -> Option<Place> {
        match &self.form {
            Form::Table(table) => table.random(rng).map(Place),
            Form::Ints(_) | Form::Packed(_) => (!self.is_empty()).then(|| Place::in_one(rng.index(self.len()))),
        }
    }

    /// Calls `f` with the members at `position`, for a start 0; gives the next position, None at the end. Small
    /// forms are told at once, whatever the position.
    ///
    /// A member that is there during a whole walk is seen at least once.
    pub fn scan(&self, position: u64, f: &mut dyn FnMut(Member<'_>)) -> Option<u64> {
        if let Form::Table(table) = &self.form {
            return table.scan(position, f);
        }
        self.iter().for_each(f);
        None
    }

    /// Width and numbers of a set that is an array of numbers; those stand as in an intset.
    pub(crate) fn as_ints(&self) -> Option<(u8, &[u8])> {
        match &self.form {
            Form::Ints(ints) => ints.split_first().map(|(width, numbers)| (*width, numbers)),
            Form::Packed(_) | Form::Table(_) => None,
        }
    }

    /// A set of these numbers, which ascend and have 2, 4 or 8 bytes each, low ones first.
    pub(crate) fn of_ints(width: u8, numbers: &[u8], limits: &Limits) -> Set {
        if numbers.is_empty() {
            return Set::new();
        }
        let count = numbers.len() / usize::from(width);
        let mut set = Set { form: Form::Ints(ints::of(width, numbers)) };
        if count > limits.ints() {
            set.make_table(count);
        }
        set
    }

    /// Buckets of the large form; they are numbered from 0. Other forms have one.
    pub fn buckets(&self) -> usize {
        match &self.form {
            Form::Ints(_) | Form::Packed(_) => 1,
            Form::Table(table) => table.buckets(),
        }
    }

    /// The members in one of them.
    pub fn bucket(&self, nth: usize) -> impl Iterator<Item = Member<'_>> {
        let (all, one) = match &self.form {
            Form::Ints(_) | Form::Packed(_) => (Some(self.iter()), None),
            Form::Table(table) => (None, Some(table.bucket(nth))),
        };
        all.into_iter().flatten().chain(one.into_iter().flatten())
    }

    /// All members: numbers ascending while the set is small, otherwise in no order.
    pub fn iter(&self) -> Iter<'_> {
        match &self.form {
            Form::Ints(ints) => Iter(Walk::Ints { ints, i: 0 }),
            Form::Packed(bytes) => Iter(Walk::Packed(bucket::iter(bytes))),
            Form::Table(table) => Iter(Walk::Table(table.iter())),
        }
    }

    #[inline]
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Ints(ints) => ints::len(ints),
            Form::Packed(bytes) => bucket::count(bytes),
            Form::Table(table) => table.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Members of each bucket of its table; None while it is small.
    pub fn bucket_sizes(&self) -> Option<Vec<usize>> {
        match &self.form {
            Form::Ints(_) | Form::Packed(_) => None,
            Form::Table(table) => Some(table.bucket_sizes()),
        }
    }

    /// Bytes of all its allocations, in constant time.
    pub fn mem_bytes(&self) -> usize {
        match &self.form {
            Form::Ints(bytes) | Form::Packed(bytes) => bytes.mem_bytes(),
            Form::Table(table) => size_class(size_of::<Table>()) + table.mem_bytes(),
        }
    }

    /// About how many allocations freeing it takes.
    pub fn effort(&self) -> usize {
        match &self.form {
            Form::Ints(_) | Form::Packed(_) => 1,
            Form::Table(table) => table.allocations(),
        }
    }

    pub fn duplicate(&self) -> Set {
        let form = match &self.form {
            Form::Ints(bytes) => Form::Ints(bytes.clone()),
            Form::Packed(bytes) => Form::Packed(bytes.clone()),
            Form::Table(table) => Form::Table(Heap::new(table.duplicate())),
        };
        Set { form }
    }

    pub fn for_each_digest(&self, f: &mut dyn FnMut(&[&[u8]])) {
        self.iter().for_each(|member| f(&[member.bytes(&mut [0; 20])]));
    }
}

/// Adds a member to a packed set that does not have it; it is short enough.
fn push_packed(bytes: &mut Thin, member: Member<'_>) {
    let record = Record::of(member).expect("short enough to be packed");
    bucket::push(bytes, tag(member.hash()), &record);
}

/// See `Set::iter`.
#[derive(Clone, Debug)]
pub struct Iter<'a>(Walk<'a>);

#[derive(Clone, Debug)]
enum Walk<'a> {
    Ints { ints: &'a [u8], i: usize },
    Packed(bucket::Iter<'a>),
    Table(table::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Member<'a>;

    #[inline]
    fn next(&mut self) -> Option<Member<'a>> {
        match &mut self.0 {
            Walk::Ints { ints, i } => {
                *i += 1;
                (*i <= ints::len(ints)).then(|| Member::Int(ints::get(ints, *i - 1)))
            }
            Walk::Packed(members) => members.next().map(small),
            Walk::Table(members) => members.next(),
        }
    }
}

#[cfg(test)]
mod tests;
