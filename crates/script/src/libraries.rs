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
    set: Arc<LibrarySet>,
    callbacks: HashMap<String, (Arc<Library>, Function)>,
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
        if list.iter().any(|known| known.name == name) {
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

fn set_of(version: u64, libraries: impl Iterator<Item = Arc<Library>>) -> LibrarySet {
    let mut set = LibrarySet { version, ..LibrarySet::default() };
    for library in libraries {
        for (i, function) in library.functions.iter().enumerate() {
            set.functions.insert(function.name.clone(), (Arc::clone(&library), i));
        }
        set.libraries.insert(library.name.clone(), library);
    }
    set
}

/// The libraries as the codes say by now: a snapshot may have brought others.
pub(crate) fn current(machine: &Machine, node: &Node) -> Arc<LibrarySet> {
    let mut present = node.scripts.libraries.lock();
    if present.version == node.libraries.version() {
        return Arc::clone(&present);
    }
    let (version, codes) = {
        let codes = node.libraries.lock();
        (node.libraries.version(), codes.clone())
    };
    let libraries = codes.iter().filter_map(|code| {
        if let Some(known) = present.libraries.values().find(|library| *library.code == **code) {
            return Some(Arc::clone(known));
        }
        match described(machine, node, code) {
            Ok(library) => Some(library),
            Err(error) => {
                kit::warning!("A library of functions cannot be used: {error}");
                None
            }
        }
    });
    let set = Arc::new(set_of(version, libraries.collect::<Vec<_>>().into_iter()));
    *present = Arc::clone(&set);
    set
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
) -> std::result::Result<Vec<String>, Error> {
    let present = current(machine, node);
    let mut libraries = if meeting == Meeting::Flush { Default::default() } else { present.libraries.clone() };
    let mut names = Vec::new();
    let mut added = Vec::new();
    for code in codes {
        let (name, _) = shebang::of_library(code)?;
        if meeting == Meeting::Refuse && libraries.contains_key(&name) {
            return Err(Error::err(format_args!("Library '{name}' already exists")));
        }
        added.push(described(machine, node, code)?);
    }
    for library in added {
        libraries.remove(&library.name);
        let taken = library
            .functions
            .iter()
            .find(|function| libraries.values().any(|other| other.functions.iter().any(|it| it.name == function.name)));
        if let Some(function) = taken {
            return Err(Error::err(format_args!("Function {} already exists", function.name)));
        }
        names.push(library.name.clone());
        libraries.insert(library.name.clone(), library);
    }
    publish(node, libraries.into_values());
    Ok(names)
}

/// Removes a library. False when there is none.
pub(crate) fn remove(machine: &Machine, node: &Node, name: &str) -> bool {
    let mut libraries = current(machine, node).libraries.clone();
    if libraries.remove(name).is_none() {
        return false;
    }
    publish(node, libraries.into_values());
    true
}

pub(crate) fn publish(node: &Node, libraries: impl Iterator<Item = Arc<Library>>) {
    let libraries: Vec<_> = libraries.collect();
    let mut set = node.scripts.libraries.lock();
    let mut codes = node.libraries.lock();
    *codes = libraries.iter().map(|library| Box::from(&*library.code)).collect();
    let version = node.libraries.version();
    drop(codes);
    *set = Arc::new(set_of(version, libraries.into_iter()));
}

/// A function, with what this machine calls.
pub(crate) fn find(
    machine: &Machine,
    node: &Node,
    name: &str,
) -> std::result::Result<(Arc<Library>, usize, Function), Error> {
    if machine.functions.borrow().set.version != node.libraries.version() {
        let set = current(machine, node);
        let mut loaded = machine.functions.borrow_mut();
        // Those of libraries that are still the same stay as they are, with what they keep in variables.
        loaded.callbacks.retain(|name, (library, _)| {
            set.functions.get(name).is_some_and(|(now, _)| Arc::ptr_eq(now, library))
        });
        loaded.set = set;
    }
    let set = Arc::clone(&machine.functions.borrow().set);
    let Some((library, idx)) = set.functions.get(name) else {
        return Err(Error::Static("ERR Function not found"));
    };
    if let Some((_, callback)) = machine.functions.borrow().callbacks.get(name) {
        return Ok((Arc::clone(library), *idx, callback.clone()));
    }
    let (_, registered) = evaluate(machine, node, &library.code)?;
    let mut loaded = machine.functions.borrow_mut();
    for it in registered {
        loaded.callbacks.insert(it.name, (Arc::clone(library), it.callback));
    }
    let callback = loaded.callbacks.get(name).map(|(_, callback)| callback.clone());
    callback.map(|callback| (Arc::clone(library), *idx, callback)).ok_or(Error::Static("ERR Function not found"))
}
