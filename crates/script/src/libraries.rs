//! Libraries of functions: their codes are the node's (`node.libraries`, which snapshots write), what they register is
//! read by running the code, and each thread that calls a function runs the code once for itself.
//!
//! A variable of a library that is no global of the server's belongs to one thread: in Redis there is one thread only.

use crate::api::Fault;
use crate::machine::{Machine, State, Stop};
use crate::shebang;
use exec::Node;
use exec::scripts::{Function as Described, Library, LibrarySet};
use mlua::{Error as LuaError, Function, Lua, MultiValue, Result, Table, Value};
use proto::Error;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// A function that the code of a library registered.
pub(crate) struct Registered {
    pub name: String,
    pub description: Option<Vec<u8>>,
    pub flags: u32,
    pub callback: Function,
}

/// What this machine has loaded.
#[derive(Default)]
pub(crate) struct Loaded {
    version: u64,
    callbacks: HashMap<String, Rc<Callback>>,
}

impl Loaded {
    pub(crate) fn is_empty(&self) -> bool {
        self.callbacks.is_empty()
    }
}

/// A function of a library, ready to be called on this machine.
pub(crate) struct Callback {
    library: Arc<Library>,
    idx: usize,
    pub function: Function,
}

impl Callback {
    pub(crate) fn described(&self) -> &Described {
        &self.library.functions[self.idx]
    }
}

/// `redis.register_function`
pub(crate) fn register(lua: &Lua, state: &Rc<State>) -> Result<Function> {
    let state = Rc::clone(state);
    lua.create_function(move |_, args: MultiValue| {
        let wrong = |text: &str| LuaError::external(Fault::reply(format!("ERR {text}")));
        let mut registering = state.registering.borrow_mut();
        let Some(list) = registering.as_mut() else {
            return Err(wrong("redis.register_function can only be called on FUNCTION LOAD command"));
        };
        let given = match args.len() {
            1 => named(&args[0], &wrong)?,
            2 => {
                let Value::String(name) = &args[0] else {
                    return Err(wrong("first argument to redis.register_function must be a string"));
                };
                let Value::Function(callback) = &args[1] else {
                    return Err(wrong("second argument to redis.register_function must be a function"));
                };
                let name = name.as_bytes().to_vec();
                Given { name: Some(name), callback: Some(callback.clone()), ..Given::default() }
            }
            _ => return Err(wrong("wrong number of arguments to redis.register_function")),
        };
        let Some(name) = given.name else {
            return Err(wrong("redis.register_function must get a function name argument"));
        };
        let Some(callback) = given.callback else {
            return Err(wrong("redis.register_function must get a callback argument"));
        };
        if !shebang::is_name(&name) {
            return Err(LuaError::external(Fault::reply(shebang::BAD_NAME)));
        }
        let name = String::from_utf8_lossy(&name).into_owned();
        if list.iter().any(|known| known.name.eq_ignore_ascii_case(&name)) {
            return Err(wrong("Function already exists in the library"));
        }
        list.push(Registered { name, description: given.description, flags: given.flags, callback });
        Ok(())
    })
}

#[derive(Default)]
struct Given {
    name: Option<Vec<u8>>,
    description: Option<Vec<u8>>,
    flags: u32,
    callback: Option<Function>,
}

fn named(table: &Value, wrong: &dyn Fn(&str) -> LuaError) -> Result<Given> {
    let Value::Table(table) = table else {
        return Err(wrong(
            "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
        ));
    };
    let mut given = Given::default();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let Value::String(key) = key else {
            return Err(wrong("named argument key given to redis.register_function is not a string"));
        };
        match &key.as_bytes()[..] {
            b"function_name" => match value {
                Value::String(name) => given.name = Some(name.as_bytes().to_vec()),
                _ => {
                    return Err(wrong("function_name argument given to redis.register_function must be a string"));
                }
            },
            b"description" => match value {
                Value::String(text) => given.description = Some(text.as_bytes().to_vec()),
                _ => return Err(wrong("description argument given to redis.register_function must be a string")),
            },
            b"callback" => match value {
                Value::Function(callback) => given.callback = Some(callback),
                _ => return Err(wrong("callback argument given to redis.register_function must be a function")),
            },
            b"flags" => match value {
                Value::Table(list) => given.flags = flags(&list, wrong)?,
                _ => {
                    return Err(wrong(
                        "flags argument to redis.register_function must be a table representing function flags",
                    ));
                }
            },
            _ => return Err(wrong("unknown argument given to redis.register_function")),
        }
    }
    Ok(given)
}

fn flags(list: &Table, wrong: &dyn Fn(&str) -> LuaError) -> Result<u32> {
    let mut flags = 0;
    for i in 1.. {
        match list.raw_get(i)? {
            Value::Nil => break,
            Value::String(name) => match shebang::flag(&name.as_bytes()) {
                Some(flag) => flags |= flag,
                None => return Err(wrong("unknown flag given")),
            },
            _ => return Err(wrong("unknown flag given")),
        }
    }
    Ok(flags)
}

/// Runs the code of a library: its name and what it registers.
fn evaluate(machine: &Machine, node: &Node, code: &[u8]) -> std::result::Result<(String, Vec<Registered>), Error> {
    let (name, at) = shebang::of_library(code)?;
    let chunk = machine
        .load(&code[at..], "@user_function")
        .map_err(|message| Error::err(format_args!("Error compiling function: {message}")))?;
    let failed = |text: String| Error::err(format_args!("Error registering functions: {text}"));
    machine.state.begin_load(node);
    let outcome = machine
        .set_loading
        .call::<()>(true)
        .and_then(|()| machine.limited(|| machine.run.call::<(bool, Value)>(chunk)));
    let _ = machine.set_loading.call::<()>(false);
    let registered = machine.state.registering.take().unwrap_or_default();
    if machine.state.stop.take() == Some(Stop::LoadTimeout) {
        return Err(failed("ERR FUNCTION LOAD timeout".into()));
    }
    match outcome {
        Ok((true, _)) if registered.is_empty() => Err(Error::Static("ERR No functions registered")),
        Ok((true, _)) => Ok((name, registered)),
        Ok((false, Value::Table(error))) => {
            let text: Value = error.raw_get("err").unwrap_or(Value::Nil);
            Err(failed(match text {
                Value::String(text) => text.to_string_lossy(),
                _ => "ERR unknown error".into(),
            }))
        }
        Ok((false, Value::String(text))) => Err(failed(format!("ERR {}", text.to_string_lossy()))),
        Ok((false, _)) => Err(failed("ERR unknown error".into())),
        Err(error) => Err(failed(format!("ERR {error}"))),
    }
}

fn described(machine: &Machine, node: &Node, code: &[u8]) -> std::result::Result<Arc<Library>, Error> {
    let (name, registered) = evaluate(machine, node, code)?;
    let functions = registered.into_iter().map(|it| Described {
        name: it.name,
        description: it.description,
        flags: it.flags,
        habits: Default::default(),
    });
    Ok(Arc::new(Library { name, code: code.into(), functions: functions.collect() }))
}

/// Works with the libraries as the codes say by now: a snapshot may have brought others.
pub(crate) fn with_current<R>(machine: &Machine, node: &Node, work: impl FnOnce(&mut LibrarySet) -> R) -> R {
    let mut set = node.scripts.libraries.lock();
    if set.version != node.libraries.version() {
        let (version, codes) = {
            let codes = node.libraries.lock();
            (node.libraries.version(), codes.clone())
        };
        let mut now = LibrarySet::default();
        now.version = version;
        for code in &codes {
            let known = set.libraries().find(|library| *library.code == **code).cloned();
            match known.map_or_else(|| described(machine, node, code), Ok) {
                Ok(library) => now.insert(library),
                Err(error) => kit::warning!("A library of functions cannot be used: {error}"),
            }
        }
        *set = now;
    }
    work(&mut set)
}

/// What happens to a library of a name that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meeting {
    Refuse,
    Replace,
    /// All that were there go.
    Flush,
}

/// Adds libraries, all or none. The names that were added.
pub(crate) fn add(
    machine: &Machine,
    node: &Node,
    codes: &[&[u8]],
    meeting: Meeting,
    exists_error: fn(&str) -> String,
) -> std::result::Result<Vec<String>, Error> {
    let mut libraries = Vec::new();
    for code in codes {
        let (name, _) = shebang::of_library(code)?;
        let exists = with_current(machine, node, |set| set.library(&name).is_some());
        if meeting == Meeting::Refuse && exists {
            return Err(Error::err(exists_error(&name)));
        }
        libraries.push(described(machine, node, code)?);
    }
    with_current(machine, node, |set| {
        let stays = |other: &Library| meeting != Meeting::Flush && libraries.iter().all(|it| it.name != other.name);
        for (i, library) in libraries.iter().enumerate() {
            let taken = |name: &str| {
                set.function(name).is_some_and(|(other, _)| stays(other))
                    || libraries[..i]
                        .iter()
                        .any(|other| other.functions.iter().any(|it| it.name.eq_ignore_ascii_case(name)))
            };
            if let Some(function) = library.functions.iter().find(|function| taken(&function.name)) {
                return Err(Error::err(format_args!("Function {} already exists", function.name)));
            }
        }
        let mut codes = node.libraries.lock();
        if meeting == Meeting::Flush {
            codes.clear();
            *set = LibrarySet::default();
        }
        let mut names = Vec::new();
        for library in libraries {
            if let Some(old) = set.remove(&library.name) {
                codes.retain(|code| **code != *old.code);
            }
            codes.push(Box::from(&*library.code));
            names.push(library.name.clone());
            set.insert(library);
        }
        set.version = node.libraries.version();
        Ok(names)
    })
}

/// Removes a library. False when there is none.
pub(crate) fn remove(machine: &Machine, node: &Node, name: &str) -> bool {
    with_current(machine, node, |set| {
        let Some(old) = set.remove(name) else { return false };
        node.libraries.lock().retain(|code| **code != *old.code);
        set.version = node.libraries.version();
        true
    })
}

/// Removes all, and gives what was there to be freed.
pub(crate) fn flush(node: &Node) -> LibrarySet {
    let mut set = node.scripts.libraries.lock();
    node.libraries.lock().clear();
    let old = std::mem::take(&mut *set);
    set.version = node.libraries.version();
    old
}

/// A function by its name, in any case.
pub(crate) fn find(machine: &Machine, node: &Node, name: &str) -> std::result::Result<Rc<Callback>, Error> {
    let lower;
    let name = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        lower = name.to_ascii_lowercase();
        &lower
    } else {
        name
    };
    {
        let loaded = machine.functions.borrow();
        if loaded.version == node.libraries.version()
            && let Some(callback) = loaded.callbacks.get(name)
        {
            return Ok(Rc::clone(callback));
        }
    }
    let not_found = || Error::Static("ERR Function not found");
    let library = with_current(machine, node, |set| {
        let mut loaded = machine.functions.borrow_mut();
        if loaded.version != set.version {
            // Those of libraries that are still the same stay as they are, with what they keep in variables.
            loaded.callbacks.retain(|name, callback| {
                set.function(name).is_some_and(|(now, _)| Arc::ptr_eq(now, &callback.library))
            });
            loaded.version = set.version;
        }
        set.function(name).map(|(library, _)| Arc::clone(library))
    })
    .ok_or_else(not_found)?;
    if let Some(callback) = machine.functions.borrow().callbacks.get(name) {
        return Ok(Rc::clone(callback));
    }
    let (_, registered) = evaluate(machine, node, &library.code)?;
    let mut loaded = machine.functions.borrow_mut();
    for it in registered {
        if let Some(idx) = library.functions.iter().position(|function| function.name == it.name) {
            let callback = Callback { library: Arc::clone(&library), idx, function: it.callback };
            loaded.callbacks.insert(it.name.to_ascii_lowercase(), Rc::new(callback));
        }
    }
    loaded.callbacks.get(name).cloned().ok_or_else(not_found)
}
