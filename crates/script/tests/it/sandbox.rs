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
