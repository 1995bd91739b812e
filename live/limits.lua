-- The laws of components/policy, for a Redis: the same steps on the same
-- states, so that both decide alike to the nanosecond.
--
-- Several limits at once admit together or take nothing.
-- KEYS: one for each limit.
-- ARGV: now; 1 if levels are to be told; then for each limit its law, rate,
-- burst, window, delay and cost. Times are in nanoseconds since the run began,
-- told by the caller: all gateways of a run read one clock.
-- Answers {admitted, wait}, and for each limit its level if that is to be told:
-- the most, what is left and the time until it is the most again, as text,
-- since whole numbers are all that Redis answers.
local now, tells = tonumber(ARGV[1]), ARGV[2] == '1'

local function exactly(x) return math.floor(x * 1024 + 0.5) / 1024 end
local function pace(rate) return exactly(1e9 / rate) end
local function quota(rate, window) return math.floor(rate * (window / 1e9) * 1e6 + 0.5) / 1e6 end
local function window_at(t, window) return math.floor(t / window) * window end

-- get reads numbers of a hash, or takes the given ones if there is none.
local function get(key, fields, fresh)
  local values = redis.call('HMGET', key, unpack(fields))
  for i, v in ipairs(values) do values[i] = v and tonumber(v) or fresh[i] end
  return unpack(values)
end

-- keep sets them, for as long as they make a difference.
local function keep(key, lasts, ...)
  redis.call('HSET', key, ...)
  redis.call('PEXPIRE', key, math.ceil(lasts / 1e6) + 1000)
end

-- An instant is two numbers, whole nanoseconds and a part of one, so that it is
-- as exact after months of a run as at its start. ahead is how far a key's lies
-- beyond now, and hold sets it so far ahead.
local function ahead(key)
  local whole, part = get(key, {'whole', 'part'}, {now, 0})
  return math.max(whole - now + part, 0)
end

local function hold(key, lasts, by)
  keep(key, lasts, 'whole', now + math.floor(by), 'part', by - math.floor(by))
end

-- Each law answers whether the limit admits, the wait, and how to take it.
local laws = {}

laws['token-bucket'] = function(key, l)
  local p = pace(l.rate)
  local depth = exactly(p * math.max(l.burst, 1))
  local price = math.min(exactly(p * l.cost), depth)
  local tokens, stamp = get(key, {'tokens', 'stamp'}, {depth, now})
  if now > stamp then
    tokens, stamp = math.min(depth, tokens + (now - stamp)), now
  end
  if price > tokens then
    return false, math.ceil(price - tokens) + (stamp - now)
  end
  return true, 0, function() keep(key, depth, 'tokens', tokens - price, 'stamp', stamp) end
end

laws['gcra'] = function(key, l)
  local p = pace(l.rate)
  local depth = exactly(p * math.max(l.burst, 1))
  local after = ahead(key) + math.min(exactly(p * l.cost), depth)
  if after > depth then
    return false, math.ceil(after - depth)
  end
  return true, 0, function() hold(key, depth, after) end
end

laws['fixed-window'] = function(key, l)
  local limit = quota(l.rate, l.window)
  local cost, at = math.min(l.cost, limit), window_at(now, l.window)
  local start, count = get(key, {'start', 'count'}, {at, 0})
  if at > start then start, count = at, 0 end
  if count + cost > limit then
    return false, start + l.window - now
  end
  return true, 0, function() keep(key, l.window, 'start', start, 'count', count + cost) end
end

laws['sliding-log'] = function(key, l)
  local limit = math.floor(quota(l.rate, l.window))
  local cost = math.min(math.ceil(l.cost), limit)
  local oldest = redis.call('LINDEX', key, 0)
  while oldest and tonumber(oldest) <= now - l.window do
    redis.call('LPOP', key)
    oldest = redis.call('LINDEX', key, 0)
  end
  local over = redis.call('LLEN', key) + cost - limit
  if over > 0 then
    return false, tonumber(redis.call('LINDEX', key, over - 1)) + l.window - now
  end
  return true, 0, function()
    local last = redis.call('LINDEX', key, -1)
    local at = last and math.max(tonumber(last), now) or now
    for _ = 1, cost do redis.call('RPUSH', key, at) end
    redis.call('PEXPIRE', key, math.ceil(l.window / 1e6) + 1000)
  end
end

laws['sliding-counter'] = function(key, l)
  local limit, window = quota(l.rate, l.window), l.window
  local cost, at = math.min(l.cost, limit), window_at(now, window)
  local start, previous, current = get(key, {'start', 'previous', 'current'}, {at, 0, 0})
  if at == start + window then
    start, previous, current = at, current, 0
  elseif at > start then
    start, previous, current = at, 0, 0
  end
  local function room(count) return (math.floor(limit - count) + 1) * window end
  local t = math.max(now, start)
  local free = room(current + cost)
  if previous * (start + window - t) < free then
    return true, 0, function() keep(key, 2 * window, 'start', start, 'previous', previous, 'current', current + cost) end
  end
  if free > 0 then
    return false, start + window - (math.ceil(free / previous) - 1) - now
  end
  return false, start + 2 * window - math.min(math.ceil(room(cost) / current) - 1, window) - now
end

laws['leaky-bucket'] = function(key, l)
  local rate = math.max(1, math.floor(l.rate * 1000 + 1e-6))
  local burst = math.floor(l.burst * 1000 + 1e-6)
  local pours = math.min(math.floor(l.cost * 1000), burst + 1000)
  local ms = math.floor(now / 1e6)
  local excess, last = get(key, {'excess', 'last'}, {-1000, ms})
  local left = excess - math.floor(rate * math.max(ms - last, 0) / 1000)
  local after = math.max(math.max(left, -1000) + pours, 0)
  if after > burst then
    return false, (last + math.ceil((excess + pours - burst) * 1000 / rate)) * 1e6 - now
  end
  return true, 0, function() keep(key, (burst + 1000) / rate * 1e9, 'excess', after, 'last', math.max(ms, last)) end
end

laws['leaky-queue'] = function(key, l)
  local p = pace(l.rate)
  local longest = exactly(p * l.burst)
  local queued = ahead(key)
  if queued > longest then
    return false, math.ceil(queued - longest)
  end
  local after = queued + exactly(p * l.cost)
  return true, math.ceil(math.max(queued - exactly(p * l.delay), 0)), function() hold(key, after, after) end
end

-- A quota counts by the calendar: rate is what a period lets in, delay the date
-- and window the end of the period that it falls into, since 1970.
laws['quota'] = function(key, l)
  local limit, date, stop = l.rate, l.delay, l.window
  local cost = math.min(l.cost, limit)
  local ends, count = get(key, {'ends', 'count'}, {stop, 0})
  if date >= ends then ends, count = stop, 0 end
  if count + cost > limit then
    return false, ends - date
  end
  return true, 0, function() keep(key, ends - date, 'ends', ends, 'count', count + cost) end
end

-- Each law's level: the most, what is left, and the time until it is the most.
local levels = {}

levels['token-bucket'] = function(key, l)
  local p = pace(l.rate)
  local depth = exactly(p * math.max(l.burst, 1))
  local tokens, stamp = get(key, {'tokens', 'stamp'}, {depth, now})
  if now > stamp then tokens = math.min(depth, tokens + (now - stamp)) end
  return depth / p, tokens / p, depth - tokens
end

levels['gcra'] = function(key, l)
  local p = pace(l.rate)
  local depth, after = exactly(p * math.max(l.burst, 1)), ahead(key)
  return depth / p, (depth - after) / p, after
end

levels['fixed-window'] = function(key, l)
  local limit, at = quota(l.rate, l.window), window_at(now, l.window)
  local start, count = get(key, {'start', 'count'}, {at, 0})
  if at > start then start, count = at, 0 end
  return limit, limit - count, start + l.window - now
end

levels['sliding-log'] = function(key, l)
  local limit, n = math.floor(quota(l.rate, l.window)), redis.call('LLEN', key)
  if n == 0 then return limit, limit, 0 end
  local last = tonumber(redis.call('LINDEX', key, -1))
  return limit, limit - n, last + l.window - now
end

levels['sliding-counter'] = function(key, l)
  local limit, window, at = quota(l.rate, l.window), l.window, window_at(now, l.window)
  local start, previous, current = get(key, {'start', 'previous', 'current'}, {at, 0, 0})
  if at == start + window then
    start, previous, current = at, current, 0
  elseif at > start then
    start, previous, current = at, 0, 0
  end
  local t = math.max(now, start)
  local stop, reset = start + window, 0
  if current > 0 then
    reset = stop + window - t
  elseif previous > 0 then
    reset = stop - t
  end
  return limit, limit - current - math.floor(previous * (stop - t) / window), reset
end

levels['leaky-bucket'] = function(key, l)
  local rate = math.max(1, math.floor(l.rate * 1000 + 1e-6))
  local burst = math.floor(l.burst * 1000 + 1e-6)
  local ms = math.floor(now / 1e6)
  local excess, last = get(key, {'excess', 'last'}, {-1000, ms})
  excess = math.max(excess - math.floor(rate * math.max(ms - last, 0) / 1000), -1000)
  return (burst + 1000) / 1000, (burst - excess) / 1000, math.ceil((excess + 1000) * 1000 / rate) * 1e6
end

levels['leaky-queue'] = function(key, l)
  local p = pace(l.rate)
  local longest, queued = exactly(p * l.burst), ahead(key)
  return longest / p + 1, queued <= longest and (longest - queued) / p + 1 or 0, queued
end

levels['quota'] = function(key, l)
  local limit, date, stop = l.rate, l.delay, l.window
  local ends, count = get(key, {'ends', 'count'}, {stop, 0})
  if date >= ends then ends, count = stop, 0 end
  return limit, limit - count, ends - date
end

local longest, refused, take, told = {[true] = 0, [false] = 0}, false, {}, {}
for i, key in ipairs(KEYS) do
  local a = 3 + (i - 1) * 6
  told[i] = {
    law = ARGV[a], rate = tonumber(ARGV[a + 1]), burst = tonumber(ARGV[a + 2]), window = tonumber(ARGV[a + 3]),
    delay = tonumber(ARGV[a + 4]), cost = tonumber(ARGV[a + 5])}
  local admits, wait, pay = laws[told[i].law](key, told[i])
  longest[admits] = math.max(longest[admits], wait)
  refused = refused or not admits
  take[i] = pay
end
if not refused then
  for _, pay in ipairs(take) do pay() end
end
local answer = refused and {0, longest[false]} or {1, longest[true]}
if tells then
  for i, key in ipairs(KEYS) do
    for _, n in ipairs({levels[told[i].law](key, told[i])}) do
      answer[#answer + 1] = string.format('%.17g', n)
    end
  end
end
return answer
