//! What stands between the values of an RDB file.

/// Before a key: its slot's numbers (Redis 8 in cluster mode).
pub(crate) const SLOT_INFO: u8 = 244;
/// State of slots being imported (Valkey 9).
pub(crate) const SLOT_IMPORT: u8 = 243;
/// Code of a function library.
pub(crate) const FUNCTION2: u8 = 245;
/// Of release candidates of 7.0, not to be read by anybody.
pub(crate) const FUNCTION_PRE_GA: u8 = 246;
pub(crate) const MODULE_AUX: u8 = 247;
/// Seconds since the key was used.
pub(crate) const IDLE: u8 = 248;
/// How often the key is used.
pub(crate) const FREQ: u8 = 249;
pub(crate) const AUX: u8 = 250;
pub(crate) const RESIZE_DB: u8 = 251;
pub(crate) const DEADLINE_MS: u8 = 252;
pub(crate) const DEADLINE_SECS: u8 = 253;
pub(crate) const SELECT_DB: u8 = 254;
pub(crate) const EOF: u8 = 255;
