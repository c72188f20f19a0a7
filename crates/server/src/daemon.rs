//! Running in the background, the pid file, and what a supervisor is told.
//!
//! A daemon is this program started once more with `STARTED` in its environment, which then leaves its terminal. That
//! needs no fork, and so happens at any time before there are threads. The first process has
//! read the configuration already, so mistakes in it are told at the terminal.

use crate::dir::plain;
use kit::opt::{Bool, Choice, Config, Opt, Text};
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) static DAEMONIZE: Opt<Bool> = Opt::bool("daemonize", false, "Runs in the background.").immutable();
pub(crate) static PIDFILE: Opt<Text> =
    Opt::text("pidfile", "", "File for the process's number; a daemon has one by default.").immutable();
pub(crate) static SUPERVISED: Opt<Choice> = Opt::choice(
    "supervised",
    0,
    &[("upstart", UPSTART), ("systemd", SYSTEMD), ("auto", AUTO), ("no", 0)],
    "Who is told when the server is ready and when it stops. Such a server is no daemon.",
)
.immutable();

const UPSTART: i64 = 1;
const SYSTEMD: i64 = 2;
const AUTO: i64 = 3;

const STARTED: &str = "BASALT_STARTED_AS_DAEMON";
const PIDFILE_DEFAULT: &str = "/var/run/redis.pid";

/// Is this process the one in the background?
pub(crate) fn is_started() -> bool {
    std::env::var_os(STARTED).is_some()
}

/// Does the configuration want one?
pub(crate) fn is_wanted(config: &Config) -> bool {
    config.get(&DAEMONIZE) && config.get(&SUPERVISED) == 0
}

/// Starts this program again, in the background; `stdin` is what was read from there.
pub(crate) fn start(stdin: Option<&str>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("Could not start in the background: {}", plain(&error));
    let mut words = std::env::args_os();
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    if let Some(name) = words.next() {
        command.arg0(name);
    }
    command.args(words).env(STARTED, "1").stdout(Stdio::null()).stderr(Stdio::null());
    command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn().map_err(failed)?;
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), stdin) {
        pipe.write_all(text.as_bytes()).map_err(failed)?;
    }
    Ok(())
}

/// In the background: a session of its own, so that the terminal's end is not its end.
pub(crate) fn leave_terminal() {
    if let Err(error) = rustix::process::setsid() {
        kit::warning!("Could not leave the terminal's session: {error}");
    }
}

/// The pid file while it exists; dropping it removes the file.
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    /// Writes it if there is to be one, in the process that stays. That it cannot be written is only logged.
    pub(crate) fn write(config: &Config) -> Option<PidFile> {
        if config.get(&PIDFILE).is_empty() {
            if !is_wanted(config) {
                return None;
            }
            config.set_value(&PIDFILE, PIDFILE_DEFAULT);
        }
        let path = config.get(&PIDFILE);
        // The working folder may change until it is removed.
        let path = std::path::absolute(&*path).unwrap_or_else(|_| Path::new(&*path).to_owned());
        match std::fs::write(&path, format!("{}\n", std::process::id())) {
            Ok(()) => Some(PidFile(path)),
            Err(error) => {
                kit::warning!("Failed to write PID file {}: {}", path.display(), plain(&error));
                None
            }
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        kit::notice!("Removing the pid file.");
        let _ = std::fs::remove_file(&self.0); // gone already: as well
    }
}

/// Tells systemd how the start or the stop goes, if it wants to know.
pub(crate) fn tell_supervisor(config: &Config, state: &str) {
    let mode = config.get(&SUPERVISED);
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET").filter(|_| mode == SYSTEMD || mode == AUTO) else {
        if mode == SYSTEMD && state.starts_with("READY") {
            kit::warning!(
                "'supervised systemd', but NOTIFY_SOCKET is not set: nobody to tell that the server is ready"
            );
        }
        return;
    };
    let sent = UnixDatagram::unbound().and_then(|from| {
        let name = socket.as_encoded_bytes();
        match name.strip_prefix(b"@") {
            Some(name) => {
                use std::os::linux::net::SocketAddrExt;
                from.send_to_addr(state.as_bytes(), &std::os::unix::net::SocketAddr::from_abstract_name(name)?)
            }
            None => from.send_to(state.as_bytes(), Path::new(&socket)),
        }
    });
    if let Err(error) = sent {
        kit::warning!("Could not tell systemd '{}': {}", state.trim_end(), plain(&error));
    }
}

/// Upstart waits for its child to stop itself.
pub(crate) fn tell_upstart(config: &Config) {
    let mode = config.get(&SUPERVISED);
    let by_upstart = std::env::var_os("UPSTART_JOB").is_some();
    if (mode == UPSTART || mode == AUTO) && by_upstart {
        kit::notice!("supervised by upstart, will stop to signal readiness");
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
    }
}
