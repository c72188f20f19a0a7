//! What all crates declare, joined here and nowhere else.

use crate::options::{clients, cluster, debugging, internals, persistence, process, replication, tls, types};
use crate::{daemon, dir, huge_pages, log, oom, signals};
use exec::Command;
use kit::metric::AnyMetric;
use kit::opt::AnyOpt;

pub(crate) fn commands() -> Vec<&'static [&'static Command]> {
    commands::COMMANDS.iter().copied().chain([script::COMMANDS, snapshot::COMMANDS]).collect()
}

pub(crate) static METRICS: &[&[&dyn AnyMetric]] = &[exec::metrics::METRICS];

pub(crate) static OPTIONS: &[&[&dyn AnyOpt]] = &[
    exec::options::OPTIONS,
    commands::OPTIONS,
    script::OPTIONS,
    snapshot::OPTIONS,
    net::OPTIONS,
    console::OPTIONS,
    SERVER_OPTIONS,
    persistence::OPTIONS,
    replication::OPTIONS,
    cluster::OPTIONS,
    types::OPTIONS,
    tls::OPTIONS,
    clients::OPTIONS,
    process::OPTIONS,
    debugging::OPTIONS,
    internals::OPTIONS,
];

/// Those of this crate that somebody reads.
static SERVER_OPTIONS: &[&dyn AnyOpt] = &[
    &daemon::DAEMONIZE,
    &daemon::PIDFILE,
    &daemon::SUPERVISED,
    &dir::DIR,
    &huge_pages::HUGE_PAGES,
    &log::LEVEL,
    &log::FILE,
    &oom::ADJUST,
    &oom::VALUES,
    &signals::ON_SIGINT,
    &signals::ON_SIGTERM,
];
