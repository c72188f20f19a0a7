//! HELP of a container command.

pub(crate) use exec::help::help;
