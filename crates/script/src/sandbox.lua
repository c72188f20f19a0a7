-- What scripts see. Run once for each Lua machine; `native` are the functions of the server.
--
-- Scripts get `env` as their globals: an empty table that reads from `G` and refuses to be written. Every table that
-- scripts share (redis, string, cjson ...) is such a proxy, because what one script could leave in it would reach the
-- next one. `locked` knows the proxies; what could write past a metatable (rawset, table.insert ...) asks it.
-- Real pcall, load and the like stay in upvalues here, and no function given out hands them on.
local native = ...
local error, getmetatable, next, pairs, pcall, rawget, rawset, setmetatable, tostring, type, xpcall =
    error, getmetatable, next, pairs, pcall, rawget, rawset, setmetatable, tostring, type, xpcall
local loadstring, collectgarbage, ipairs, select, tonumber, unpack =
    loadstring, collectgarbage, ipairs, select, tonumber, unpack
local byte, sub, find, gmatch, gsub, match = string.byte, string.sub, string.find, string.gmatch, string.gsub, string.match
local concat, insert, remove, sort = table.concat, table.insert, table.remove, table.sort
local resume, wrap = coroutine.resume, coroutine.wrap
local caught, located = native.caught, native.located

local READONLY = 'Attempt to modify a readonly table'
local locked = {}

local function refuse()
    error(READONLY, 2)
end

local function lock(contents)
    local proxy = setmetatable({}, { __index = contents, __newindex = refuse, __metatable = false })
    locked[proxy] = contents
    return proxy
end

local function check(t)
    if locked[t] then
        error(READONLY, 0)
    end
end

-- ---- protected calls: errors of the server become what Redis's scripts see; the end of a script is not caught

local function plain(e)
    if type(e) == 'userdata' then
        local value, fatal = caught(e)
        if fatal then
            error(e, 0)
        end
        return value
    end
    return e
end

local function after_pcall(ok, e, ...)
    if ok then
        return ok, e, ...
    end
    e = plain(e)
    if type(e) == 'table' and type(rawget(e, 'err')) == 'string' then
        e = rawget(e, 'err')
    end
    return false, e
end

local function after_xpcall(state, ok, ...)
    if state.fatal then
        error(state.fatal, 0)
    end
    return ok, ...
end

local function after_resume(ok, e, ...)
    if ok then
        return ok, e, ...
    end
    return false, plain(e)
end

local G = {}
local env = {}
local G_meta, string_meta

-- Libraries that few scripts use are made when the first one asks.
local unmade = { bit = true, cjson = true, cmsgpack = true, struct = true }

local function make(name)
    unmade[name] = nil
    local library = native.library(name)
    if name == 'cjson' then
        -- Another one, with settings of its own in Redis; ours start anew with each script.
        library.new = function()
            return G.cjson
        end
    end
    G[name] = lock(library)
    return G[name]
end

-- What stands behind a proxy, for those who look at all of it.
local function contents(t)
    if t == env then
        for name in pairs(unmade) do
            make(name)
        end
    end
    return locked[t] or t
end

G._G = env
G._VERSION = _VERSION
G.assert, G.error, G.select, G.tonumber, G.tostring, G.type = assert, error, select, tonumber, tostring, type
G.rawequal = rawequal

function G.pcall(f, ...)
    return after_pcall(pcall(f, ...))
end

function G.xpcall(f, handler)
    local state = {}
    return after_xpcall(state, xpcall(f, function(e)
        if type(e) == 'userdata' then
            local value, fatal = caught(e)
            if fatal then
                state.fatal = e
                return e
            end
            e = value
        end
        return handler(e)
    end))
end

-- ---- what would write past the lock, or look behind it

function G.getmetatable(v)
    if locked[v] then
        return v == env and G_meta or nil
    elseif type(v) == 'string' then
        return string_meta
    end
    return getmetatable(v)
end

function G.setmetatable(t, meta)
    check(t)
    return setmetatable(t, meta)
end

function G.rawset(t, k, v)
    check(t)
    return rawset(t, k, v)
end

function G.rawget(t, k)
    return rawget(contents(t), k)
end

function G.next(t, k)
    return next(contents(t), k)
end

function G.pairs(t)
    if locked[t] then
        return G.next, t, nil
    end
    return pairs(t)
end

function G.ipairs(t)
    return ipairs(locked[t] or t)
end

-- Lua counts the results in 32 bits, and its own check for too many of them rests on what C leaves open. More than these
-- do not fit on its stack, and the arguments stand there too.
local RESULTS_MAX = 8000
function G.unpack(t, i, j)
    if type(t) ~= 'table' then
        error("bad argument #1 to 'unpack' (table expected, got " .. type(t) .. ')', 2)
    end
    local first, last = tonumber(i or 1), tonumber(j or #t)
    if first and last then
        if not (first > -2147483648 and last < 2147483648) or last - first >= RESULTS_MAX then
            error('too many results to unpack', 2)
        elseif last < first then
            return
        end
    end
    if j ~= nil then
        return unpack(t, i, j)
    elseif i ~= nil then
        return unpack(t, i)
    end
    return unpack(t)
end

function G.collectgarbage(what, n)
    if what == nil or what == 'collect' or what == 'count' or what == 'step' then
        return collectgarbage(what or 'collect', n)
    end
    return 0
end

function G.gcinfo()
    return (collectgarbage('count'))
end

-- ---- code only from text: bytecode is not checked by the machine

function G.loadstring(text, name)
    if type(text) == 'number' then
        text = tostring(text)
    elseif type(text) ~= 'string' then
        error("bad argument #1 to 'loadstring' (string expected, got " .. type(text) .. ')', 2)
    end
    if byte(text) == 27 then
        return nil, 'bytecode is not allowed'
    end
    return loadstring(text, name)
end

function G.load(reader, name)
    local pieces = {}
    while true do
        local piece = reader()
        if piece == nil or piece == '' then
            break
        elseif type(piece) ~= 'string' then
            return nil, 'reader function must return a string'
        end
        pieces[#pieces + 1] = piece
    end
    return G.loadstring(concat(pieces), name or '=(load)')
end

-- ---- libraries

local strings = string
-- Matching recurses once for each item of a pattern, on the thread's own stack.
local PATTERN_MAX = 4096
local function is_long(pattern)
    if type(pattern) == 'string' and #pattern > PATTERN_MAX then
        error('pattern too complex', 3)
    end
end
function strings.find(s, pattern, init, is_plain)
    if not is_plain then
        is_long(pattern)
    end
    return find(s, pattern, init, is_plain)
end
function strings.match(s, pattern, init)
    is_long(pattern)
    return match(s, pattern, init)
end
function strings.gmatch(s, pattern)
    is_long(pattern)
    return gmatch(s, pattern)
end
strings.gfind = strings.gmatch
function strings.gsub(s, pattern, by, n)
    is_long(pattern)
    return gsub(s, pattern, by, n)
end
G.string = lock(strings)
-- Methods of strings, ("x"):rep(3), come from the same table.
string_meta = lock({ __index = G.string })

local tables = table
function tables.insert(t, ...)
    check(t)
    return insert(t, ...)
end
function tables.remove(t, ...)
    check(t)
    return remove(t, ...)
end
function tables.sort(t, ...)
    check(t)
    return sort(t, ...)
end
tables.setn = nil
G.table = lock(tables)

local maths = math
maths.random, maths.randomseed = native.random, native.randomseed
G.math = lock(maths)

local coroutines = coroutine
function coroutines.resume(...)
    return after_resume(resume(...))
end
G.coroutine = lock(coroutines)

for name in pairs(os) do
    if name ~= 'clock' then
        os[name] = nil
    end
end
G.os = lock(os)
G.redis = lock(native.redis)
G.server = G.redis

local function nonexistent(_, name)
    error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
end
setmetatable(G, {
    __index = function(_, name)
        if unmade[name] then
            return make(name)
        end
        error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
    end,
})
G_meta = lock({ __index = G })
local env_meta = { __index = G, __newindex = refuse, __metatable = false }
setmetatable(env, env_meta)
locked[env] = G

-- ---- while a library is loaded nothing is there but what registers functions

local redis = { register_function = native.register_function, log = native.redis.log }
for name, value in pairs(native.redis) do
    if type(value) ~= 'function' then
        redis[name] = value
    end
end
setmetatable(redis, { __index = nonexistent })
local loading = setmetatable({}, { __index = nonexistent })
loading.redis = lock(redis)
loading.server = loading.redis

local function set_loading(on)
    env_meta.__index = on and loading or G
end

-- ---- the way in

local function handler(e)
    return located(e)
end

local function run(f)
    return xpcall(f, handler)
end

local function run_with(f, keys, args)
    return xpcall(function()
        return f(keys, args)
    end, handler)
end

return G, env, run, run_with, set_loading
