//! One client as CLIENT LIST and CLIENT INFO show it; ACL LOG shows it too.

pub use exec::client_line::{flags, line};
