//! A list made of elements that come one after the other, as from a file.

use super::chunks::Chunks;
use super::element::{Element, Item};
use super::pack::PackBuilder;
use super::{Form, Limit, List, Pack};
use crate::Heap;

/// A list that fills: packs are built at once, not element by element.
pub(crate) struct Loading<'a> {
    pack: &'a mut PackBuilder,
    full: Chunks,
}

impl<'a> Loading<'a> {
    pub(crate) fn new(pack: &'a mut PackBuilder) -> Loading<'a> {
        pack.clear();
        Loading { pack, full: Chunks::default() }
    }

    #[inline]
    pub(crate) fn add(&mut self, item: Item<'_>) {
        self.element(&Element::from(item));
    }

    /// An element that may be a number.
    pub(crate) fn add_text(&mut self, text: &[u8]) {
        self.element(&Element::new(text));
    }

    #[inline]
    fn element(&mut self, element: &Element<'_>) {
        if !self.pack.takes(element) {
            self.full.push_pack(self.pack.finish());
        }
        self.pack.push(element);
    }

    pub(crate) fn done(mut self, limit: Limit) -> List {
        let last = self.pack.finish();
        let pack = Pack::of(&last);
        if self.full.len() == 0 && (last.is_empty() || limit.admits(pack.listpack_len(), pack.len() as u64)) {
            return List { form: Form::Packed(last) };
        }
        self.full.push_pack(last);
        let mut list = List { form: Form::Chunks(Heap::new(self.full)) };
        list.settle(limit);
        list
    }
}
