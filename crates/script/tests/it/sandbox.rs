//! The known ways out of a Lua sandbox, and what scripts must not leave to each other.

use super::node;
use testkit::TestNode;

fn eval(node: &mut TestNode, script: &str) -> String {
    String::from_utf8_lossy(&node.ask(1, &["EVAL", script, "0"])).into_owned()
}

/// Each must end with this error.
#[test]
fn ways_out() {
    // As the threads of a server.
    let thread = std::thread::Builder::new().stack_size(exec::script::STACK_BYTES).spawn(all_ways_out);
    thread.unwrap().join().unwrap();
}

fn all_ways_out() {
    let mut node = node(&[]);
    for (script, wanted) in [
        // What reaches the system.
        ("return io", "nonexistent global variable 'io'"),
        ("return os.execute('true')", "attempt to call field 'execute'"),
        ("return os.getenv('HOME')", "attempt to call field 'getenv'"),
        ("return os.exit()", "attempt to call field 'exit'"),
        ("return os.remove('x')", "attempt to call field 'remove'"),
        ("return require('os')", "nonexistent global variable 'require'"),
        ("return package.loaded", "nonexistent global variable 'package'"),
        ("return package.loadlib('x','y')", "nonexistent global variable 'package'"),
        ("return dofile('/etc/passwd')", "nonexistent global variable 'dofile'"),
        ("return loadfile('/etc/passwd')", "nonexistent global variable 'loadfile'"),
        ("return module('x')", "nonexistent global variable 'module'"),
        ("print('x')", "nonexistent global variable 'print'"),
        ("return debug.getregistry()", "nonexistent global variable 'debug'"),
        ("return newproxy(true)", "nonexistent global variable 'newproxy'"),
        ("return getfenv(0)", "nonexistent global variable 'getfenv'"),
        ("return setfenv(0, {})", "nonexistent global variable 'setfenv'"),
        ("return jit.off()", "nonexistent global variable 'jit'"),
        // Globals and shared tables.
        ("x = 1", "Attempt to modify a readonly table"),
        ("_G.x = 1", "Attempt to modify a readonly table"),
        ("_G = {}", "Attempt to modify a readonly table"),
        ("redis = {}", "Attempt to modify a readonly table"),
        ("KEYS = {}", "Attempt to modify a readonly table"),
        ("rawset(_G, 'x', 1)", "Attempt to modify a readonly table"),
        ("rawset(redis, 'call', 1)", "Attempt to modify a readonly table"),
        ("setmetatable(_G, {})", "Attempt to modify a readonly table"),
        ("setmetatable(string, {})", "Attempt to modify a readonly table"),
        ("getmetatable(_G).__index = nil", "Attempt to modify a readonly table"),
        ("rawset(getmetatable(_G), '__index', nil)", "Attempt to modify a readonly table"),
        ("getmetatable('').__index = nil", "Attempt to modify a readonly table"),
        ("getmetatable('').__index.rep = nil", "Attempt to modify a readonly table"),
        ("('x').rep = 1", "attempt to index a string value"),
        ("string.rep = nil", "Attempt to modify a readonly table"),
        ("table.insert(_G, 1)", "Attempt to modify a readonly table"),
        ("table.insert(redis, 1)", "Attempt to modify a readonly table"),
        ("table.remove(redis)", "Attempt to modify a readonly table"),
        ("table.sort(redis)", "Attempt to modify a readonly table"),
        ("redis.call = 1", "Attempt to modify a readonly table"),
        ("server.call = 1", "Attempt to modify a readonly table"),
        ("cjson.encode = 1", "Attempt to modify a readonly table"),
        ("cmsgpack.pack = 1", "Attempt to modify a readonly table"),
        ("struct.pack = 1", "Attempt to modify a readonly table"),
        ("bit.band = 1", "Attempt to modify a readonly table"),
        ("math.random = 1", "Attempt to modify a readonly table"),
        ("coroutine.resume = 1", "Attempt to modify a readonly table"),
        ("for k, v in pairs(_G) do if k == 'redis' then v.call = 1 end end", "Attempt to modify a readonly table"),
        ("setmetatable(getmetatable(''), {})", "Attempt to modify a readonly table"),
        ("pcall(rawset, _G, 'x', 1) return x", "nonexistent global variable 'x'"),
        ("xpcall(function() x = 1 end, function() y = 1 end) return y", "nonexistent global variable 'y'"),
        ("coroutine.wrap(function() x = 1 end)()", "Attempt to modify a readonly table"),
        ("loadstring('x = 1')()", "Attempt to modify a readonly table"),
        ("load(function() return nil end)() return io", "nonexistent global variable 'io'"),
        ("return loadstring('return io')()", "nonexistent global variable 'io'"),
        (
            "return coroutine.wrap(function() return loadstring('return debug')() end)()",
            "nonexistent global variable 'debug'",
        ),
        // Bytecode.
        ("return assert(loadstring(string.dump(function() return 1 end)))", "bytecode is not allowed"),
        (
            "local s = string.dump(function() return 1 end) local once = s return assert(load(function() local x = once once = nil return x end))",
            "bytecode is not allowed",
        ),
        (
            "local s = string.dump(function() end) local i = 0 return assert(load(function() i = i + 1 return i <= #s and s:sub(i, i) or nil end))",
            "bytecode is not allowed",
        ),
        ("return assert(loadstring('\\27Lua'))", "bytecode is not allowed"),
        // What kills a process.
        ("local function f() return f() + 1 end return f()", "stack overflow"),
        ("local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x", "loop in gettable"),
        ("local s = string.rep('(', 1000) return loadstring('return ' .. s)() ", "attempt to call"),
        ("return ('x'):rep(1e10)", "not enough memory"),
        ("local t = {} for i = 1, 1e9 do t[i] = i end", "not enough memory"),
        ("local s = 'x' while true do s = s .. s end", "not enough memory"),
        ("return table.concat(setmetatable({}, {__index = function() return 'x' end}), '', 1, 1e9)", "invalid value"),
        ("return string.find(('a'):rep(5000), ('a?'):rep(5000) .. 'b')", "pattern too complex"),
        ("return (('a'):rep(5000)):gsub(('a-'):rep(5000), '')", "pattern too complex"),
        ("local t = {} t[1] = t return cjson.encode(t)", "excessive depth"),
        ("return cjson.decode(('['):rep(1e5))", "too many nested data structures"),
        ("return cmsgpack.unpack(('\\145'):rep(1e5))", "Bad data format"),
        ("return cmsgpack.unpack('\\221\\255\\255\\255\\255')", "Missing bytes in input"),
        ("return cmsgpack.unpack('\\219\\255\\255\\255\\255')", "Missing bytes in input"),
        ("return struct.unpack('c2147483647', 'x')", "data string too short"),
        ("return struct.unpack('i', 'xxxxxxxx', 9e15)", "data string too short"),
        ("return struct.pack('i33', 1)", "larger than limit"),
        ("return struct.unpack('I0', 'x')", "larger than limit"),
        ("return unpack({}, 1, 1e8)", "too many results to unpack"),
        ("return string.format('%99999d', 1)", "invalid format"),
        ("return select(-1)", "bad argument"),
        ("local t = {} for i = 1, 1e4 do t[i] = 1 end return redis.call(unpack(t))", "too many results to unpack"),
    ] {
        let reply = eval(&mut node, script);
        assert!(reply.contains(wanted), "{script}\n  {reply}");
    }
    // And nothing was left behind.
    assert_eq!(
        eval(&mut node, "return {redis[1] == nil, string.rep('x', 2), #KEYS}"),
        "*3\r\n:1\r\n$2\r\nxx\r\n:0\r\n"
    );
}

/// Holes that Redis had, by their numbers, each as it was used: the machine lives on, and says no where the script has no
/// right to what it asks for.
#[test]
fn known_holes() {
    let thread = std::thread::Builder::new().stack_size(exec::script::STACK_BYTES).spawn(all_known_holes);
    thread.unwrap().join().unwrap();
}

fn all_known_holes() {
    let mut node = node(&[("lua-memory-limit", "16mb")]);
    let mut wrong = Vec::new();
    for (cve, script, wanted) in [
        // Bytecode that the machine does not check, as the script itself too.
        ("2015-4335", "\u{1b}LuaQ", "bytecode is not allowed"),
        ("2015-4335", "return tostring(loadstring('\\27LuaQ'))", "$3\r\nnil\r\n"),
        // Room for the arguments that a function names and was not given.
        (
            "2014-5461",
            "local p = {} for i = 1, 190 do p[i] = 'p' .. i end local f = loadstring('return function(' .. table.concat(p, ',') .. ', ...) local a = ... return 1 end')() local all = {} for i = 1, 200 do all[i] = coroutine.wrap(function() local mine = {i} f() coroutine.yield() f() return mine[1] end) all[i]() end for i = 1, 200 do assert(all[i]() == i) end return 7",
            ":7",
        ),
        // Sizes in a format of struct that overflow.
        ("2015-8080", "return struct.pack('>I2147483648', 1)", "integral size overflow"),
        ("2020-14147", "return struct.pack('c99999999999999999999999', 'x')", "integral size overflow"),
        ("2018-11219", "return struct.unpack('!4294967297i', 'xxxx')", "integral size overflow"),
        ("2018-11219", "return struct.size('c9223372036854775807c9223372036854775807')", "integral size overflow"),
        ("2018-11219", "return struct.unpack('<I4c0', '\\255\\255\\255\\255x')", "data string too short"),
        ("2018-11219", "return struct.unpack('c0', 'x')", "format 'c0' needs a previous size"),
        ("2018-11219", "return struct.unpack('i', 'xxxxxxxx', -2147483648)", "offset must be 1 or greater"),
        // Depth and count of what cmsgpack packs and takes apart.
        ("2018-11218", "local t = {} t.t = t return #cmsgpack.pack(t) > 0", ":1\r\n"),
        ("2018-11218", "local t = {} for i = 1, 1e4 do t = {t} end return #cmsgpack.pack(t) > 0", ":1\r\n"),
        ("2018-11218", "return #cmsgpack.pack(unpack({}, 1, 7900))", ":7900\r\n"),
        ("2018-11218", "return cmsgpack.unpack('\\223\\255\\255')", "Missing bytes in input"),
        ("2018-11218", "return cmsgpack.unpack_limit('\\1\\1', 2147483648, 2147483647)", "greater than"),
        // A library of Lua's own, where the system's Lua is used.
        (
            "2022-0543",
            "return package.loadlib('liblua5.1.so.0', 'luaopen_io')",
            "nonexistent global variable 'package'",
        ),
        // Globals left for the next script, which may be another user's.
        ("2022-24735", "function redis.call() end", "Attempt to modify a readonly table"),
        ("2022-24735", "string.x = 1", "Attempt to modify a readonly table"),
        // cjson: growing beyond what a number holds, and nesting.
        ("2022-24834", "return #cjson.encode(('\\1'):rep(4e6))", "not enough memory"),
        (
            "2022-24834",
            "local s = ('\\1'):rep(1e5) local t = {} for i = 1, 99 do t[i] = s end return #cjson.encode(t)",
            "not enough memory",
        ),
        ("2022-24834", "local t = {} for i = 1, 1e5 do t = {t} end return cjson.encode(t)", "excessive depth"),
        ("2022-24834", "return cjson.decode(('[{\"a\":'):rep(1e5))", "too many nested data structures"),
        ("2022-24834", "cjson.encode_max_depth(2147483648)", "expected integer between"),
        ("2022-24834", "cjson.decode_max_depth(2147483648)", "expected integer between"),
        // Matching that recurses, on the stack of the thread.
        ("2022-36021", "return string.match(('a'):rep(9999), ('a?'):rep(9999))", "pattern too complex"),
        ("2021-32626", "return redis.call(unpack({}, 1, 7900))", "Lua redis lib command arguments must be strings"),
        // bit.tohex counted its digits below zero.
        ("2024-31449", "return bit.tohex(65535, -2147483648)", "$8\r\n0000FFFF\r\n"),
        ("2024-31449", "return bit.tohex(65535, 2147483647)", "$8\r\n0000ffff\r\n"),
        ("2024-31449", "return bit.tohex(65535, 1e300)", "$"),
        // What the collector frees at the end, when the machine is closed.
        ("2024-46981", "local p = newproxy(true) getmetatable(p).__gc = function() end", "variable 'newproxy'"),
        (
            "2024-46981",
            "local t = setmetatable({}, {__gc = function() error('x') end}) t = nil collectgarbage() return 1",
            ":1",
        ),
        // A chunk's name that the collector frees while its text is still coming.
        (
            "2025-49844",
            "for n = 1, 50 do local i = 0 local f = load(function() i = i + 1 collectgarbage() for k = 1, 50 do local s = ('junk' .. n .. k):rep(3) end return ('return 1 '):sub(i, i) end, 'name' .. n) assert(f() == 1) end return 7",
            ":7",
        ),
        (
            "2025-49844",
            "for n = 1, 50 do local text = 'return function() ' .. ('local a = \"x' .. n .. '\" '):rep(50) .. ' end' local f = assert(loadstring(text, 'name' .. n .. '\\0rest')) collectgarbage('step') assert(type(f()) == 'function') end return 7",
            ":7",
        ),
        // unpack's count of results, beyond 32 bits.
        ("2025-46817", "return unpack({}, 0, 2147483647)", "too many results to unpack"),
        ("2025-46817", "return unpack({}, -2147483648, 2147483647)", "too many results to unpack"),
        ("2025-46817", "return unpack({}, '-2147483647', '2147483647')", "too many results to unpack"),
        ("2025-46817", "return unpack({}, 2147483648, 4294967295)", "too many results to unpack"),
        ("2025-46817", "return unpack({}, -2147483647)", "too many results to unpack"),
        ("2025-46817", "return unpack({}, 0/0, 0/0)", "too many results to unpack"),
        ("2025-46817", "return unpack({}, -math.huge, math.huge)", "too many results to unpack"),
        ("2025-46817", "return {unpack({1, 2, 3}, 2)}", "*2\r\n:2\r\n:3\r\n"),
        ("2025-46817", "return {unpack({1, 2, 3}, '2', '2')}", "*1\r\n:2\r\n"),
        ("2025-46817", "return #{unpack({1, 2, 3}, 2, 1)}", ":0\r\n"),
        ("2025-46817", "return unpack('x', 1, 2)", "bad argument #1 to"),
        ("2025-46817", "return unpack({}, {}, 2)", "bad argument #2 to"),
        // Metatables of what every script shares.
        ("2025-46818", "getmetatable('').__index = function() return 1 end", "Attempt to modify a readonly table"),
        ("2025-46818", "getmetatable('').__add = function() return 1 end", "Attempt to modify a readonly table"),
        ("2025-46818", "rawset(getmetatable(''), '__add', 1)", "Attempt to modify a readonly table"),
        ("2025-46818", "setmetatable('', {})", "bad argument #1 to"),
        ("2025-46818", "setmetatable(nil, {})", "bad argument #1 to"),
        (
            "2025-46818",
            "local m = {getmetatable(1), getmetatable(nil), getmetatable(true), getmetatable(print ~= nil)} return #m",
            "variable 'print'",
        ),
        ("2025-46818", "return #{getmetatable(1), getmetatable(nil), getmetatable(true), getmetatable(pairs)}", ":0"),
        ("2025-46818", "return getmetatable(coroutine.create(pairs)) == nil", ":1"),
        // The brackets of a long string, and a text that ends in them.
        (
            "2025-46819",
            "return loadstring('return [' .. ('='):rep(1e6) .. '[x]' .. ('='):rep(1e6) .. ']')()",
            "$1\r\nx\r\n",
        ),
        ("2025-46819", "return ({loadstring('return [' .. ('='):rep(1e6))})[2]", "invalid long string delimiter"),
        ("2025-46819", "return ({loadstring('--[' .. ('='):rep(1e6) .. '[ x')})[2]", "unfinished long comment"),
        ("2025-46819", "return ({loadstring('return [=[ x ]')})[2]", "unfinished long string"),
        // Lines of an answer that a script makes up.
        ("", "return redis.status_reply('a\\r\\n+b')", "+a  +b\r\n"),
        ("", "return redis.error_reply('E a\\r\\n+b')", "-E a  +b\r\n"),
        ("", "return {err = 'E a\\r\\n$-1'}", "-E a  $-1\r\n"),
        ("", "error('x\\r\\n+y')", "x  +y"),
    ] {
        let reply = eval(&mut node, script);
        if !reply.contains(wanted) {
            wrong.push(format!("{cve} {script}\n  {reply:?}\n  {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(eval(&mut node, "return ('x'):rep(2)"), "$2\r\nxx\r\n");
}

#[test]
fn what_is_there_works() {
    let mut node = node(&[]);
    for (script, wanted) in [
        ("local n = 0 for k in pairs(string) do n = n + 1 end return n > 10", ":1"),
        ("return type(rawget(string, 'rep'))", "$8\r\nfunction"),
        ("return next({}) == nil and next(math) ~= nil", ":1"),
        ("return tostring(getmetatable(redis))", "$3\r\nnil"),
        ("return type(getmetatable(''))", "$5\r\ntable"),
        ("return ('%d-%s'):format(7, 'x')", "$3\r\n7-x"),
        ("return loadstring('return 1 + 1')()", ":2"),
        ("local a = {'return ', '40', '+2'} local i = 0 return load(function() i = i + 1 return a[i] end)()", ":42"),
        ("local ok, e = pcall(error, {err = 'x'}) return e", "$1\r\nx"),
        ("local ok, e = pcall(error, {a = 1}) return e.a", ":1"),
        (
            "local ok, e = pcall(redis.call, 'nosuch') return {tostring(ok), e}",
            "*2\r\n$5\r\nfalse\r\n$44\r\nERR Unknown Redis command called from script",
        ),
        (
            "local ok, e = xpcall(function() redis.call('nosuch') end, function(e) return e.err end) return e",
            "$44\r\nERR Unknown",
        ),
        (
            "local c = coroutine.create(function() redis.call('nosuch') end) local ok, e = coroutine.resume(c) return e.err",
            "$44\r\nERR Unknown",
        ),
        (
            "local c = coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end) return {c(), c()}",
            "*2\r\n:1\r\n:2",
        ),
        (
            "return {bit.band(7, 2), bit.bor(1, 2), bit.bxor(3, 1), bit.bnot(0), bit.lshift(1, 31), bit.rshift(-1, 28), bit.arshift(-256, 4), bit.rol(1, 33), bit.bswap(1), bit.tobit(0xffffffff)}",
            "*10\r\n:2\r\n:3\r\n:2\r\n:-1\r\n:-2147483648\r\n:15\r\n:-16\r\n:2\r\n:16777216\r\n:-1",
        ),
        ("return bit.tohex(255, -4)", "$4\r\n00FF"),
        ("return bit.band(1, 2, 'x')", "-ERR user_script:1: bad argument #3 to 'band' (number expected, got string)"),
        (
            "return cjson.encode({1, 2, {a = 'b/\"\\n'}, cjson.null, true, 0.1})",
            "$35\r\n[1,2,{\"a\":\"b\\/\\\"\\n\"},null,true,0.1]",
        ),
        (
            "return cjson.decode('{\"a\":[1,\"\\\\u00e9\\\\ud83d\\\\ude00\",null,-1.5e3]}').a[2]",
            "$6\r\n\u{e9}\u{1f600}",
        ),
        (
            "return cjson.encode({[1] = 1, [100] = 1})",
            "-ERR user_script:1: Cannot serialise table: excessively sparse array",
        ),
        ("return cjson.encode({}) .. cjson.encode({[3] = 3})", "$15\r\n{}[null,null,3]"),
        (
            "return cmsgpack.unpack(cmsgpack.pack({1, 'x', {a = -5}, 1.5, 70000}))",
            "*5\r\n:1\r\n$1\r\nx\r\n*0\r\n:1\r\n:70000",
        ),
        ("return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2, 0)}", "*3\r\n:2\r\n:1\r\n:2"),
        (
            "return {struct.unpack('>I2<i4bs', struct.pack('>I2<i4bs', 258, -2, -1, 'abc'))}",
            "*5\r\n:258\r\n:-2\r\n:-1\r\n$3\r\nabc\r\n:12",
        ),
        ("return struct.size('!8bd')", ":16"),
        ("return redis.sha1hex('')", "$40\r\nda39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("return redis.call('echo', 1e15)", "$16\r\n1000000000000000"),
        ("return redis.call('echo', 0.1)", "$3\r\n0.1"),
        (
            "redis.setresp(3) redis.call('hset', 'h', 'f', 'v') return redis.call('hgetall', 'h')",
            "*2\r\n$1\r\nf\r\n$1\r\nv",
        ),
        ("redis.setresp(3) return redis.call('hgetall', 'h').map.f", "$1\r\nv"),
        ("return redis.call('hgetall', 'h')[2]", "$1\r\nv"),
        ("return {double = 3.5}", "$3\r\n3.5"),
        ("return {map = {a = 1}}", "*2\r\n$1\r\na\r\n:1"),
        ("math.randomseed(1) local a = math.random() math.randomseed(1) return a == math.random()", ":1"),
        ("return redis.acl_check_cmd('set', 'k', 'v')", ":1"),
        ("return redis.acl_check_cmd('xx')", "-ERR Invalid command passed to redis.acl_check_cmd() script:"),
        ("return redis.log(9, 'x')", "-ERR Invalid debug level. script:"),
        (
            "return redis.register_function('f', function() end)",
            "-ERR user_script:1: attempt to call field 'register_function' (a nil value)",
        ),
        ("local t = os.clock() return type(t)", "$6\r\nnumber"),
        ("ARGV[1] = 'left' ARGV.x = 1 return 1", ":1"),
        ("return {#ARGV, tostring(ARGV.x)}", "*2\r\n:0\r\n$3\r\nnil"),
        ("setmetatable(ARGV, {__index = {y = 1}}) setmetatable(KEYS, {__index = {y = 1}}) return ARGV.y", ":1"),
        ("return {tostring(ARGV.y), tostring(KEYS.y)}", "*2\r\n$3\r\nnil\r\n$3\r\nnil"),
        ("collectgarbage('stop') return collectgarbage('count') > 0", ":1"),
    ] {
        let reply = eval(&mut node, script);
        assert!(reply.starts_with(wanted), "{script}\n  {reply:?}\n  {wanted:?}");
    }
}
