//! Members too long for a bucket, each with a number.
//!
//! The numbers are those from 0 on without a gap: when one goes, the last takes its number, and whoever keeps that
//! number is told.

use super::segments::Segments;
use kit::size::size_class;

#[derive(Debug)]
pub(super) struct Large {
    texts: Segments<Box<[u8]>>,
    /// Of the members alone.
    text_bytes: usize,
}

impl Large {
    pub(super) const fn new() -> Large {
        Large { texts: Segments::new(), text_bytes: 0 }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn mem_bytes(&self) -> usize {
        self.text_bytes + self.texts.mem_bytes()
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> &[u8] {
        self.texts.get(number as usize)
    }

    /// The number it has now.
    pub(super) fn push(&mut self, text: &[u8]) -> u32 {
        let number = u32::try_from(self.len()).expect("fewer than 4 billion");
        self.texts.push(text.into());
        self.text_bytes += size_class(text.len());
        number
    }

    /// Takes one out. What had the highest number has its number now.
    pub(super) fn remove(&mut self, number: u32) -> Box<[u8]> {
        let mut text = self.texts.pop().expect("there is one");
        if (number as usize) < self.len() {
            text = std::mem::replace(self.texts.get_mut(number as usize), text);
        }
        self.text_bytes -= size_class(text.len());
        text
    }

    pub(super) fn duplicate(&self) -> Large {
        let mut copy = Large::new();
        (0..self.len() as u32).for_each(|number| {
            copy.push(self.get(number));
        });
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_gaps() {
        let mut large = Large::new();
        assert_eq!((large.len(), large.mem_bytes()), (0, 0));
        for i in 0..600u32 {
            assert_eq!(large.push(&i.to_le_bytes()), i);
        }
        assert_eq!(large.remove(599)[..], 599u32.to_le_bytes());
        assert_eq!(large.remove(3)[..], 3u32.to_le_bytes());
        assert_eq!((large.get(3), large.len()), (&598u32.to_le_bytes()[..], 598));
        (0..598).for_each(|_| drop(large.remove(0)));
        assert_eq!((large.len(), large.text_bytes), (0, 0));
        assert!(large.mem_bytes() <= 4 * 24);
    }
}
