//! The text INFO answers with: sections of `name:value` lines that end as on Windows.

use std::fmt::{Display, Write};

#[derive(Default)]
pub(crate) struct Page {
    text: String,
}

impl Page {
    pub(crate) fn begin(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push_str("\r\n");
        }
        self.text.push_str("# ");
        self.text.push_str(title);
        self.text.push_str("\r\n");
    }

    pub(crate) fn field(&mut self, name: &str, value: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{name}:{value}\r\n");
    }

    /// The bytes, and again as people read them: `name_human`.
    pub(crate) fn bytes(&mut self, name: &str, bytes: u64) {
        self.field(name, bytes);
        self.field(&format!("{name}_human"), kit::text::human_bytes(bytes));
    }

    pub(crate) fn fields<V: Display>(&mut self, fields: &[(&str, V)]) {
        for (name, value) in fields {
            self.field(name, value);
        }
    }

    /// Whether the field stands there already.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.text.contains(&format!("\n{name}:"))
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}
