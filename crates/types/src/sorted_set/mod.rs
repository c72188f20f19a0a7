//! Sorted sets.
//!
//! For now only the smallest form, byte strings in the order they came: enough to stand behind a key.

use crate::object::forms;
use crate::{Thin, packed};

#[derive(Debug)]
pub struct SortedSet {
    form: Form,
}

forms! {
    enum Form of SortedSet {
        Packed(Thin) = SortedSetPacked,
    }
}

impl Default for SortedSet {
    fn default() -> SortedSet {
        SortedSet::new()
    }
}

impl SortedSet {
    pub fn new() -> SortedSet {
        SortedSet { form: Form::Packed(Thin::new()) }
    }

    pub fn push(&mut self, element: &[u8]) {
        match &mut self.form {
            Form::Packed(bytes) => packed::push(bytes, element),
        }
    }

    pub fn iter(&self) -> packed::Iter<'_> {
        match &self.form {
            Form::Packed(bytes) => packed::iter(bytes),
        }
    }

    pub fn len(&self) -> usize {
        match &self.form {
            Form::Packed(bytes) => packed::iter(bytes).count(),
        }
    }

    pub fn is_empty(&self) -> bool {
        match &self.form {
            Form::Packed(bytes) => bytes.is_empty(),
        }
    }

    /// Bytes of all its allocations, in constant time.
    pub fn mem_bytes(&self) -> usize {
        match &self.form {
            Form::Packed(bytes) => bytes.mem_bytes(),
        }
    }

    /// About how many allocations freeing it takes.
    pub fn effort(&self) -> usize {
        match &self.form {
            Form::Packed(_) => 1,
        }
    }

    pub fn duplicate(&self) -> SortedSet {
        let form = match &self.form {
            Form::Packed(bytes) => Form::Packed(bytes.clone()),
        };
        SortedSet { form }
    }

    pub fn for_each_digest(&self, f: &mut dyn FnMut(&[&[u8]])) {
        self.iter().for_each(|element| f(&[element]));
    }
}
