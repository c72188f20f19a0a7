//! The start, in order: configuration, log, folder, daemon, node, sockets; then waiting for the end.
//!
//! Everything that can be wrong with the configuration is told at the terminal before anything was changed. Lines in
//! the log have Redis's words where tools look for them.

use crate::args::Sources;
use crate::daemon::{self, PidFile};
use crate::stop::{self, Cause, Stopper};
use crate::{config_file, container, dir, folder_lock, log, oom, options, parts, report, signals};
use exec::node::{Applier, alarm};
use exec::seams::Saver;
use exec::{Node, Parts};
use kit::opt::Config;
use kit::text::human_bytes;
use kit::world::{RealClock, RealDisk, Rng};
use snapshot::Snapshots;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Runs the server until it is told to stop; the exit code. An error is for the terminal.
pub(crate) fn run(sources: &Sources) -> Result<u8, String> {
    let config = Arc::new(Config::new(parts::OPTIONS));
    let cwd = std::env::current_dir().map_err(|error| format!("Where am I? {}", dir::plain(&error)))?;
    let loaded = config_file::load(&config, sources, &cwd, read_stdin)?;

    let runs_in_background = daemon::is_wanted(&config);
    let is_daemon = runs_in_background && daemon::is_started();
    std::env::set_current_dir(&loaded.dir)
        .map_err(|error| format!("Can't chdir to '{}': {}", loaded.dir.display(), dir::plain(&error)))?;
    exec::acl::check_at_start(&config, &parts::commands(), &RealDisk)?;
    log::open(&config, !runs_in_background)?;
    report::tell_panics();
    if runs_in_background && !is_daemon {
        // It reads the configuration again, from where this process did.
        std::env::set_current_dir(&cwd).map_err(|error| dir::plain(&error))?;
        daemon::start(loaded.stdin.as_deref())?;
        return Ok(0);
    }
    if is_daemon {
        daemon::leave_terminal();
    }
    config.set_value(&dir::DIR, loaded.dir.to_string_lossy().as_ref());
    kit::notice!(
        "Basalt is starting, version={}, stands in for Redis {}, bits=64, pid={}, just started",
        exec::version::BASALT,
        exec::version::REDIS,
        std::process::id()
    );
    match &loaded.file {
        Some(path) => kit::notice!("Configuration loaded from {}", path.display()),
        None => kit::warning!(
            "Warning: no config file specified, using the default config. In order to specify a config file use basalt /path/to/basalt.conf"
        ),
    }
    options::tell_what_has_no_effect(&config);
    daemon::tell_upstart(&config);

    let limit_of_container =
        if loaded.given.contains(&exec::memory::MAXMEMORY.name()) { None } else { container::memory_limit() };
    if let Some(limit) = limit_of_container {
        config.set_value(&exec::memory::MAXMEMORY, i64::try_from(container::memory_budget(limit)).unwrap_or(i64::MAX));
    }
    let node = make_node(&config, loaded.file.as_deref());
    exec::acl::load_at_start(&node)?;
    if let Some(limit) = limit_of_container {
        node.memory.limit_of_container.store(container::memory_budget(limit), Relaxed);
    }
    let score = Arc::new(oom::Score::default());
    score.apply(&config).unwrap_or_else(|error| kit::warning!("{error}"));
    let (stopper, asked) = Stopper::new(Arc::clone(&config));
    let _ = node.process.set(Arc::clone(&stopper) as Arc<dyn exec::seams::Process>);
    signals::listen(Arc::clone(&stopper))?;
    let snapshots = snapshot::start(&node, commands::thresholds)
        .map_err(|error| format!("Could not start the thread that saves: {error}"))?;
    let for_exit = Arc::clone(&snapshots);
    stopper.set_last_act(move || for_exit.remove_temp());
    script::start(&node);
    config.seal();
    let pid_file = PidFile::write(&config);
    summary(&node, limit_of_container);

    snapshots.set_folder_locker(|folder, name| {
        folder_lock::FolderLock::take(folder, name).map(|lock| Box::new(lock) as Box<dyn Send>)
    });
    if config.get(&snapshot::options::APPEND_ONLY)
        && let Err(error) = snapshots.lock_folder(&node)
    {
        kit::warning!("{error}");
        return Ok(1);
    }
    // Clients may come while the data are loaded, and are told so; not while there is next to nothing to load.
    let loading = match Loading::begin(&node, &snapshots, &stopper, &asked) {
        Ok(loading) => loading,
        Err(code) => {
            kit::notice!("Server initialized");
            return Ok(code);
        }
    };
    let server = match net::start(Arc::clone(&node)) {
        Ok(server) => {
            // Whoever reads this in the log may connect, whether or not there is more to load.
            kit::notice!("Server initialized");
            server
        }
        // Whoever could not listen has told the log why.
        Err(_) => return Ok(1),
    };
    crate::huge_pages::start(Arc::clone(&config));
    if server.listens_to().is_empty() {
        kit::warning!("Configured to not listen anywhere, exiting.");
        server.stop();
        return Ok(1);
    }
    let mut appliers = server.appliers();
    appliers.extend(snapshot::appliers(&snapshots));
    appliers.extend(own_appliers(score));
    appliers.extend(options::appliers());
    let _ = node.appliers.set(appliers);
    let console = match console::start(&node) {
        Ok(console) => console,
        Err(error) => {
            kit::warning!("{error}, exiting.");
            server.stop();
            return Ok(1);
        }
    };
    if let Err(code) = loading.finish(&node, &snapshots, &asked) {
        server.stop();
        return Ok(code);
    }
    for kind in server.listens_to() {
        kit::notice!("Ready to accept connections {kind}");
    }
    daemon::tell_supervisor(&config, "STATUS=Ready to accept connections\nREADY=1\n");

    stop::wait(&node, &stopper, &asked);
    daemon::tell_supervisor(&config, "STOPPING=1\n");
    drop(console);
    server.stop();
    snapshots.clean_up();
    drop(pid_file);
    kit::warning!("Basalt (in place of Redis) is now ready to exit, bye bye...");
    Ok(0)
}

/// The data being loaded, on a thread of its own, so that this one hears who wants the process to stop.
enum Loading {
    Over,
    GoesOn,
}

/// What is loaded within this time is there before the first client.
const SOON: Duration = Duration::from_millis(300);

impl Loading {
    /// The error is the exit code.
    fn begin(
        node: &Arc<Node>,
        snapshots: &Arc<Snapshots>,
        stopper: &Arc<Stopper>,
        asked: &Receiver<Cause>,
    ) -> Result<Loading, u8> {
        if !snapshots.has_data(node) {
            return Ok(Loading::Over);
        }
        node.alarms.set(alarm::LOADING, true);
        let (loading, node_of_thread, done) = (Arc::clone(snapshots), Arc::clone(node), Arc::clone(stopper));
        let thread = std::thread::Builder::new().name("load".into()).spawn(move || {
            done.ask(Cause::Loaded(loading.load_at_start(&node_of_thread)));
        });
        if let Err(error) = thread {
            kit::warning!("Fatal error loading the DB: no thread for it: {error}");
            return Err(1);
        }
        match stop::wait_for_data(asked, Some(SOON), || snapshots.stop_loading())? {
            true => {
                node.alarms.set(alarm::LOADING, false);
                Ok(Loading::Over)
            }
            false => Ok(Loading::GoesOn),
        }
    }

    fn finish(self, node: &Node, snapshots: &Snapshots, asked: &Receiver<Cause>) -> Result<(), u8> {
        if let Loading::GoesOn = self {
            stop::wait_for_data(asked, None, || snapshots.stop_loading())?;
            node.alarms.set(alarm::LOADING, false);
        }
        Ok(())
    }
}

fn read_stdin() -> std::io::Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn make_node(config: &Arc<Config>, file: Option<&std::path::Path>) -> Arc<Node> {
    let (clock, disk) = (Arc::new(RealClock::new()), Arc::new(RealDisk));
    // The process has gone to `dir`, which may be written in a relative way.
    let here = std::env::current_dir().unwrap_or_else(|_| config.get(&dir::DIR).as_ref().into());
    let parts = Parts {
        commands: parts::commands(),
        metrics: parts::METRICS.to_vec(),
        log: Arc::new(::log::Log::new(disk.clone(), clock.clone(), snapshot::log_settings(config, &here))),
        clock,
        disk,
        threads: net::thread_count(config),
        seed: Rng::from_entropy().next_u64(),
    };
    let node = Node::new(parts, Arc::clone(config));
    if let Some(file) = file {
        let _ = node.config_file.set(file.to_string_lossy().into_owned());
    }
    // Threads publish what they allocate from their start on; this is what was there before.
    node.memory.set_base(kit::alloc::allocated() as u64);
    node
}

/// What this server is and works with; Redis shows the same with a picture.
fn summary(node: &Node, limit_of_container: Option<u64>) {
    let config = &node.config;
    let mode = if config.get(&exec::options::CLUSTER_ENABLED) { "cluster" } else { "standalone" };
    let port = config.get(&net::options::PORT);
    kit::notice!(
        "Basalt {} (as Redis {}) 64 bit, running in {mode} mode, Port: {port}, PID: {}",
        exec::version::BASALT,
        exec::version::REDIS,
        std::process::id()
    );
    kit::notice!("Data directory: {}", config.get(&dir::DIR));
    kit::notice!("Event-loop threads: {}", node.threads);
    match (limit_of_container, config.get(&exec::memory::MAXMEMORY)) {
        (Some(limit), _) => kit::notice!("{}", container::describe(limit)),
        (None, 0) => kit::notice!("Memory budget (maxmemory): no limit"),
        (None, bytes) => kit::notice!("Memory budget (maxmemory): {}", human_bytes(bytes.unsigned_abs())),
    }
}

/// What CONFIG SET of this crate's options does beyond keeping the value.
fn own_appliers(score: Arc<oom::Score>) -> Vec<Applier> {
    vec![
        Applier {
            options: &["loglevel"],
            apply: Box::new(|node| {
                log::apply(&node.config);
                Ok(())
            }),
        },
        Applier { options: &["dir"], apply: Box::new(|node| dir::apply(&node.config)) },
        Applier {
            options: &["oom-score-adj", "oom-score-adj-values"],
            apply: Box::new(move |node| score.apply(&node.config)),
        },
        Applier { options: &["activedefrag"], apply: Box::new(|node| refuse_defragmentation(&node.config)) },
    ]
}

/// In Redis's words for a server whose allocator does not tell which pages are thin: clients know them. A file may say `yes`,
/// which starts and has no effect.
fn refuse_defragmentation(config: &Config) -> Result<(), String> {
    match config.show("activedefrag").as_deref() {
        Some("yes") => {
            Err("Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified \
                            Jemalloc like the one shipped by default with the Redis source distribution"
                .to_owned())
        }
        _ => Ok(()),
    }
}
