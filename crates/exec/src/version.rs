//! Which versions this server is, and which ones it stands in for.

/// Our own.
pub const BASALT: &str = env!("CARGO_PKG_VERSION");
/// What clients that switch features by Redis's version should take us for.
pub const REDIS: &str = "8.0.2";
