//! A thread's Lua machine: made when its first script comes, limits kept while scripts run.
//!
//! Scripts are called through functions of `sandbox.lua`; the turn they run in is found by the server's functions in a
//! scoped thread-local, so that no function needs to be made for a run.
//! Memory: the limit holds while Lua's own code runs. The server's functions work without one, since a failed
//! allocation must not unwind through them, and ask `State::check_memory` when they have made something.
//! Time: every so many instructions the hook looks at the clock and at what others ask for.

use crate::api::{self, Fault};
use crate::json;
use crate::libraries::Registered;
use exec::Node;
use exec::script::Caller;
use exec::scripts::{BUSY_THRESHOLD, Running, Source};
use foldhash::fast::RandomState;
use kit::world::{Clock, Rng};
use mlua::chunk::ChunkMode;
use mlua::{Function, HookTriggers, Lua, LuaOptions, LuaString, StdLib, Table, VmState};
use proto::{Error, Reply, Word};
use scoped_tls_hkt::scoped_thread_local;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

scoped_thread_local!(pub(crate) static mut CALLER: for<'a> &'a mut (dyn Caller + 'a));

thread_local! {
    static MACHINE: RefCell<Option<Rc<Machine>>> = const { RefCell::new(None) };
}

/// Some 30 us of plain Lua.
const HOOK_EVERY: u32 = 5_000;

/// What a script may take of an event loop.
const INLINE_NANOS: u64 = 1_000_000;

/// From here on SCRIPT KILL and FUNCTION STATS know of a script on an event loop.
const LISTED_NANOS: u64 = 1_000_000;

const LOAD_NANOS: u64 = 500_000_000;

/// Compiled scripts kept, forgotten ones included.
const COMPILED_MAX: usize = 2_000;

/// Why a script ends that cannot do anything about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    Killed,
    TooLong,
    WantsAll,
    LoadTimeout,
}

pub(crate) struct Machine {
    pub lua: Lua,
    /// What scripts see as their globals, behind the lock.
    pub globals: Table,
    /// `KEYS` and `ARGV`.
    pub keys_name: LuaString,
    pub argv_name: LuaString,
    /// What `ARGV` is when there is nothing in it.
    no_args: RefCell<Table>,
    argv_is_empty: Cell<bool>,
    pub run: Function,
    pub run_with: Function,
    pub set_loading: Function,
    pub state: Rc<State>,
    compiled: RefCell<HashMap<Arc<[u8]>, Rc<Compiled>, RandomState>>,
    by_sha: RefCell<HashMap<String, Rc<Compiled>, RandomState>>,
    pub functions: RefCell<crate::libraries::Loaded>,
    flushes: Cell<u64>,
    node: Weak<Node>,
}

/// A script, ready to run on this machine.
pub(crate) struct Compiled {
    pub function: Function,
    pub source: Arc<Source>,
    /// None: it has no line of flags.
    pub flags: Option<u32>,
}

/// Shared by the machine and the server's functions in it.
pub(crate) struct State {
    pub resp3: Cell<bool>,
    pub replicate: Cell<bool>,
    pub read_only: Cell<bool>,
    pub deny_oom: Cell<bool>,
    pub allow_cross_slot: Cell<bool>,
    pub stop: Cell<Option<Stop>>,
    pub registering: RefCell<Option<Vec<Registered>>>,
    pub json: Cell<json::Settings>,
    pub random: RefCell<Rng>,
    pub scratch: RefCell<Scratch>,
    clock: Arc<dyn Clock>,
    started_ns: Cell<u64>,
    limit: Cell<usize>,
    published: Cell<i64>,
    running: RefCell<Option<Arc<Running>>>,
    name: RefCell<String>,
    is_function: Cell<bool>,
}

/// Kept from call to call.
#[derive(Default)]
pub(crate) struct Scratch {
    pub buf: Vec<u8>,
    pub words: Vec<Word>,
    pub reply: Reply,
}

/// This thread's machine for this node.
pub(crate) fn of(node: &Node) -> Rc<Machine> {
    MACHINE.with_borrow_mut(|slot| {
        if let Some(machine) = slot
            && std::ptr::eq(machine.node.as_ptr(), node)
        {
            machine.forget_flushed(node);
            return Rc::clone(machine);
        }
        let machine = Rc::new(Machine::new(node).expect("the sandbox is our own code"));
        *slot = Some(Rc::clone(&machine));
        machine
    })
}

/// Has this thread a machine that it could give back? One that keeps functions keeps what they have in variables.
pub(crate) fn is_idle() -> bool {
    MACHINE.with_borrow(|slot| slot.as_ref().is_some_and(|machine| machine.functions.borrow().is_empty()))
}

/// What this thread's machine holds afterwards is what it needs.
pub(crate) fn collect() {
    let Some(machine) = MACHINE.with_borrow(Clone::clone) else { return };
    let Some(node) = machine.node.upgrade() else { return };
    let _ = machine.lua.gc_collect(); // no destructor of ours fails
    machine.publish(&node);
}

/// The next script gets another one.
pub(crate) fn give_back() {
    MACHINE.with_borrow_mut(|slot| *slot = None);
}

impl Machine {
    fn new(node: &Node) -> mlua::Result<Machine> {
        let libraries = StdLib::STRING | StdLib::TABLE | StdLib::MATH | StdLib::OS;
        let lua = Lua::new_with(libraries, LuaOptions::new())?;
        let seed = node.rng.lock().next_u64();
        let state = Rc::new(State {
            resp3: Cell::new(false),
            replicate: Cell::new(true),
            read_only: Cell::new(false),
            deny_oom: Cell::new(false),
            allow_cross_slot: Cell::new(false),
            stop: Cell::new(None),
            registering: RefCell::new(None),
            json: Cell::default(),
            random: RefCell::new(Rng::new(seed)),
            scratch: RefCell::default(),
            clock: Arc::clone(&node.clock),
            started_ns: Cell::new(0),
            limit: Cell::new(0),
            published: Cell::new(0),
            running: RefCell::new(None),
            name: RefCell::default(),
            is_function: Cell::new(false),
        });
        let native = api::table(&lua, &state)?;
        let sandbox = lua.load(include_str!("sandbox.lua")).set_name("=sandbox").set_mode(ChunkMode::Text);
        let (globals, env, run, run_with, set_loading): (Table, Table, Function, Function, Function) =
            sandbox.call(native)?;
        lua.set_globals(env)?;
        let hook = Rc::clone(&state);
        lua.set_global_hook(HookTriggers::new().every_nth_instruction(HOOK_EVERY), move |_, _| {
            hook.tick().map(|()| VmState::Continue)
        })?;
        // What made the sandbox is not needed any more.
        lua.gc_collect()?;
        let no_args = RefCell::new(lua.create_table()?);
        let (keys_name, argv_name) = (lua.create_string("KEYS")?, lua.create_string("ARGV")?);
        Ok(Machine {
            lua,
            globals,
            keys_name,
            argv_name,
            no_args,
            argv_is_empty: Cell::new(false),
            run,
            run_with,
            set_loading,
            state,
            compiled: RefCell::default(),
            by_sha: RefCell::default(),
            functions: RefCell::default(),
            flushes: Cell::new(node.scripts.flushes()),
            node: node.itself.clone(),
        })
    }

    /// After SCRIPT FLUSH nothing is kept of the scripts that were.
    fn forget_flushed(&self, node: &Node) {
        let flushes = node.scripts.flushes();
        if self.flushes.replace(flushes) != flushes {
            self.compiled.borrow_mut().clear();
            self.by_sha.borrow_mut().clear();
            let _ = self.lua.gc_collect();
        }
    }

    /// By its text, when this machine has run it before and it was not forgotten.
    pub(crate) fn by_text(&self, text: &[u8]) -> Option<Rc<Compiled>> {
        self.compiled.borrow().get(text).filter(|compiled| !compiled.source.is_dead()).cloned()
    }

    pub(crate) fn by_sha(&self, sha: &str) -> Option<Rc<Compiled>> {
        self.by_sha.borrow().get(sha).filter(|compiled| !compiled.source.is_dead()).cloned()
    }

    /// Compiles a text that is known to the node by now, or was all along.
    pub(crate) fn compile(&self, text: &[u8], source: impl FnOnce() -> Arc<Source>) -> Result<Rc<Compiled>, Error> {
        let (function, flags) = self.check(text)?;
        let source = source();
        let compiled = Rc::new(Compiled { function, source: Arc::clone(&source), flags });
        let mut by_text = self.compiled.borrow_mut();
        let mut by_sha = self.by_sha.borrow_mut();
        if by_text.len() >= COMPILED_MAX {
            by_text.retain(|_, compiled| !compiled.source.is_dead());
            by_sha.retain(|_, compiled| !compiled.source.is_dead());
        }
        if by_text.len() >= COMPILED_MAX {
            // Compiled again when they are used again.
            by_text.clear();
            by_sha.clear();
        }
        by_text.insert(Arc::clone(&source.text), Rc::clone(&compiled));
        by_sha.insert(source.sha.clone(), Rc::clone(&compiled));
        Ok(compiled)
    }

    /// Text to a function and its flags.
    pub(crate) fn check(&self, text: &[u8]) -> Result<(Function, Option<u32>), Error> {
        let (flags, at) = crate::shebang::of_script(text)?;
        let function = self
            .load(&text[at..], "@user_script")
            .map_err(|message| Error::err(format_args!("Error compiling script (new function): {message}")))?;
        Ok((function, flags))
    }

    /// Text to a function; the error is Lua's message.
    pub(crate) fn load(&self, text: &[u8], name: &str) -> Result<Function, String> {
        if text.first() == Some(&27) {
            return Err("bytecode is not allowed".into());
        }
        let chunk = self.lua.load(text).set_name(name).set_mode(ChunkMode::Text);
        chunk.into_function().map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => message,
            other => other.to_string(),
        })
    }

    pub(crate) fn set_argv(&self, argv: Option<Table>) -> mlua::Result<()> {
        if let Some(argv) = argv {
            self.argv_is_empty.set(false);
            return self.globals.raw_set(&self.argv_name, argv);
        }
        let mut no_args = self.no_args.borrow_mut();
        let is_untouched = no_args.is_empty() && !no_args.has_metatable();
        if !is_untouched {
            *no_args = self.lua.create_table()?;
        }
        if !is_untouched || !self.argv_is_empty.replace(true) {
            self.globals.raw_set(&self.argv_name, &*no_args)?;
        }
        Ok(())
    }

    pub(crate) fn forget_argv(&self) -> mlua::Result<()> {
        self.argv_is_empty.set(false);
        self.globals.raw_set(&self.argv_name, mlua::Value::Nil)
    }

    /// Everything of one script's run that is not its code.
    pub(crate) fn begin(&self, begin: Begin, caller: &dyn Caller) {
        let node = caller.node();
        let state = &*self.state;
        state.resp3.set(false);
        state.replicate.set(true);
        state.read_only.set(begin.read_only);
        state.deny_oom.set(begin.deny_oom);
        state.allow_cross_slot.set(begin.allow_cross_slot);
        state.stop.set(None);
        state.json.set(json::Settings::default());
        state.started_ns.set(caller.mono_ns());
        state.is_function.set(begin.is_function);
        {
            let mut name = state.name.borrow_mut();
            name.clear();
            name.push_str(begin.name);
        }
        let limit = node.config.get(&crate::MEMORY_LIMIT).max(0) as usize;
        state.limit.set(if limit == 0 { 0 } else { self.lua.used_memory().saturating_add(limit) });
        if !caller.may_defer() && !caller.wrote() && node.scripts.pool().is_some() {
            // On a script thread: it may be killed from its first moment.
            state.list(node, caller);
        }
    }

    pub(crate) fn end(&self, node: &Node) {
        let _ = self.lua.set_memory_limit(0);
        if let Some(running) = self.state.running.borrow_mut().take() {
            node.scripts.end(node, &running);
        }
        self.publish(node);
    }

    fn publish(&self, node: &Node) {
        let used = self.lua.used_memory() as i64;
        let published = self.state.published.get();
        if (used - published).abs() >= 4096 {
            self.state.published.set(used);
            node.scripts.lua_bytes.fetch_add(used - published, Relaxed);
        }
    }

    /// Lua's code runs inside of this.
    pub(crate) fn limited<R>(&self, run: impl FnOnce() -> R) -> R {
        let _ = self.lua.set_memory_limit(self.state.limit.get());
        let result = run();
        let _ = self.lua.set_memory_limit(0);
        result
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(node) = self.node.upgrade() {
            node.scripts.lua_bytes.fetch_sub(self.state.published.get(), Relaxed);
        }
    }
}

/// What is known of a script when it begins.
pub(crate) struct Begin<'b> {
    pub name: &'b str,
    pub is_function: bool,
    pub read_only: bool,
    pub deny_oom: bool,
    pub allow_cross_slot: bool,
}

/// The limit is off until this is dropped.
pub(crate) struct Unlimited<'l> {
    lua: &'l Lua,
    limit: usize,
}

impl Drop for Unlimited<'_> {
    fn drop(&mut self) {
        let _ = self.lua.set_memory_limit(self.limit);
    }
}

impl State {
    /// For the time of one of the server's functions.
    pub(crate) fn unlimited<'l>(&self, lua: &'l Lua) -> Unlimited<'l> {
        let limit = lua.set_memory_limit(0).unwrap_or(0);
        Unlimited { lua, limit }
    }

    /// What was made without a limit must fit it.
    pub(crate) fn check_memory(&self, lua: &Lua, more: usize) -> mlua::Result<()> {
        let limit = self.limit.get();
        if limit > 0 && lua.used_memory().saturating_add(more) > limit {
            return Err(mlua::Error::external(Fault::text("not enough memory")));
        }
        Ok(())
    }

    pub(crate) fn stop(&self, stop: Stop) -> mlua::Error {
        self.stop.set(Some(stop));
        mlua::Error::external(Fault::stop(stop))
    }

    pub(crate) fn begin_load(&self, node: &Node) {
        self.stop.set(None);
        self.started_ns.set(node.clock.mono_ns());
        self.limit.set(0);
        *self.registering.borrow_mut() = Some(Vec::new());
    }

    fn tick(&self) -> mlua::Result<()> {
        if let Some(stop) = self.stop.get() {
            return Err(self.stop(stop));
        }
        let nanos = self.clock.mono_ns().saturating_sub(self.started_ns.get());
        if self.registering.borrow().is_some() {
            return if nanos > LOAD_NANOS { Err(self.stop(Stop::LoadTimeout)) } else { Ok(()) };
        }
        if !CALLER.is_set() {
            return Ok(());
        }
        CALLER.with(|caller| {
            let node = caller.node();
            if nanos > INLINE_NANOS && caller.may_defer() {
                return Err(self.stop(Stop::TooLong));
            }
            if nanos > LISTED_NANOS {
                self.list(node, caller);
            }
            self.look_around(node, caller, nanos)
        })
    }

    /// Asked to end? Past the time after which others are told BUSY?
    pub(crate) fn look_around(&self, node: &Node, caller: &dyn Caller, nanos: u64) -> mlua::Result<()> {
        let running = self.running.borrow();
        let Some(running) = &*running else { return Ok(()) };
        running.wrote.store(caller.wrote(), Relaxed);
        if running.kill.load(Relaxed) && !caller.wrote() {
            kit::notice!("A script was killed: {}", running.name);
            return Err(self.stop(Stop::Killed));
        }
        let threshold = node.config.get(&BUSY_THRESHOLD).max(0) as u64;
        if nanos / 1_000_000 > threshold && !running.is_over() {
            kit::warning!(
                "Slow script detected: still in execution after {} milliseconds. You can try killing the script using \
                 the {} command. Script name is: {}.",
                nanos / 1_000_000,
                if running.is_function { "FUNCTION KILL" } else { "SCRIPT KILL" },
                running.name
            );
            node.scripts.note_over(node, running);
        }
        Ok(())
    }

    pub(crate) fn nanos(&self, node: &Node) -> u64 {
        node.clock.mono_ns().saturating_sub(self.started_ns.get())
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.running.borrow().is_some()
    }

    fn list(&self, node: &Node, caller: &dyn Caller) {
        let mut slot = self.running.borrow_mut();
        if slot.is_some() {
            return;
        }
        let name = self.name.borrow().clone();
        let client = caller.session().record.id;
        let words = caller.request().iter().map(|word| word.to_vec()).collect();
        let running = Running::new(client, name, self.is_function.get(), words, self.started_ns.get());
        let running = Arc::new(running);
        node.scripts.begin(&running);
        *slot = Some(running);
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::node;

    /// There is one for each thread that runs scripts.
    #[test]
    fn a_machine_is_small() {
        let mut node = node(&[]);
        node.converse("EVAL \"return redis.call('incr',KEYS[1])\" 1 k -> :1");
        let machine = super::of(&node.node);
        machine.lua.gc_collect().unwrap();
        let used = machine.lua.used_memory();
        assert!(used < 57 << 10, "{used} bytes");
        node.converse("EVAL \"return bit.tohex(1) .. #cjson.encode({1}) .. #struct.pack('b', 1)\" 0 -> 0000000131");
        let more = machine.lua.used_memory();
        assert!(more > used + 2000, "{used} and {more} bytes");
    }

    #[test]
    fn libraries_are_there_for_who_looks() {
        for names in [
            "for k in pairs(_G) do names[#names + 1] = k end",
            "local k = next(_G) while k do names[#names + 1] = k k = next(_G, k) end",
        ] {
            let mut node = node(&[]);
            let script = format!("local names = {{}} {names} table.sort(names) return table.concat(names, ' ')");
            let all = String::from_utf8(node.ask(1, &["EVAL", &script, "0"])).unwrap();
            for name in ["bit", "cjson", "cmsgpack", "struct", "math", "redis"] {
                assert!(all.split_ascii_whitespace().any(|it| it == name), "{name}: {all}");
            }
        }
        crate::commands::check(
            "EVAL \"return type(rawget(_G, 'cmsgpack'))\" 0 -> table; EVAL \"return tostring(cjson.new() == cjson)\" 0 -> true; EVAL \"bit.x = 1\" 0 -> -ERR user_script:1: Attempt to modify a readonly table; EVAL \"return nosuch\" 0 -> -ERR user_script:1: Script attempted to access nonexistent global variable 'nosuch'; EVAL \"os.exit()\" 0 -> -ERR",
        );
    }
}
