//! Publish/subscribe. Who listens to what stands in `exec::pubsub`; here are its commands.

pub mod overview;
pub mod publish;
pub mod subscribe;
pub mod unsubscribe;

mod confirm;
#[cfg(test)]
mod keyspace_events;

use exec::Command;

pub static COMMANDS: &[&Command] = &[
    &overview::PUBSUB,
    &publish::PUBLISH,
    &publish::SPUBLISH,
    &subscribe::PSUBSCRIBE,
    &subscribe::SSUBSCRIBE,
    &subscribe::SUBSCRIBE,
    &unsubscribe::PUNSUBSCRIBE,
    &unsubscribe::SUNSUBSCRIBE,
    &unsubscribe::UNSUBSCRIBE,
];
