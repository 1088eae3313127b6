"""What must happen in Redis at once or not at all. Every script's keys are in one slot."""

from __future__ import annotations

from typing import Final

__all__ = ["BEAT", "CLAIM", "RELEASE"]

BEAT: Final = """
-- KEYS: lease, owner, conns, claims, claimed, new claim
-- ARGV: token, lease in ms, whether a former life may be claimed, seconds a token stays claimed
local state = 'renewed'
local holder = redis.call('GET', KEYS[1])
if redis.call('SISMEMBER', KEYS[5], ARGV[1]) == 1 then
  state = 'claimed'
elseif holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
elseif holder then
  state = 'duplicate'
else
  local owner = redis.call('GET', KEYS[2])
  if owner and owner ~= ARGV[1] then
    if ARGV[3] == '1' then
      redis.call('SADD', KEYS[5], owner)
      redis.call('EXPIRE', KEYS[5], ARGV[4])
      if redis.call('EXISTS', KEYS[3]) == 1 then
        redis.call('RENAME', KEYS[3], KEYS[6])
        redis.call('SADD', KEYS[4], KEYS[6])
      end
      state = 'succeeded'
    else
      state = 'waiting'
    end
  else
    state = 'acquired'
  end
  if state ~= 'waiting' then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    redis.call('SET', KEYS[2], ARGV[1])
  end
end
local time = redis.call('TIME')
return {state, time[1], time[2]}
"""
"""Renews the lease, or says why not; answers a word and the server's time."""

CLAIM: Final = """
-- KEYS: lease, owner, conns, claims, claimed, new claim, claims of the new claim
-- ARGV: seconds a token stays claimed
if redis.call('EXISTS', KEYS[1]) == 1 then
  return -1
end
local found = false
local count = 0
local owner = redis.call('GET', KEYS[2])
if owner then
  redis.call('SADD', KEYS[5], owner)
  redis.call('EXPIRE', KEYS[5], ARGV[1])
  redis.call('DEL', KEYS[2])
  found = true
end
if redis.call('EXISTS', KEYS[3]) == 1 then
  count = redis.call('HLEN', KEYS[3])
  redis.call('RENAME', KEYS[3], KEYS[6])
  found = true
end
if redis.call('EXISTS', KEYS[4]) == 1 then
  redis.call('RENAME', KEYS[4], KEYS[7])
  found = true
end
if found then
  return count
end
return -2
"""
"""Takes what a dead node kept; answers how many records, -1 if it lives, -2 if there is nothing."""

RELEASE: Final = """
-- KEYS: lease, owner, conns, claims
-- ARGV: token
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1], KEYS[3])
if redis.call('EXISTS', KEYS[4]) == 1 then
  return 2
end
redis.call('DEL', KEYS[2])
return 1
"""
"""Gives everything up; answers 1, 2 where claims are left for others, 0 where it is not ours."""
