"""Bad files and exactly what is said about them."""

import pytest
from tests.core.plugin_env import PluginEnv

from gatewright import ConfigError

AUTH = "auth: {anonymous: }\n"
NO_AUTH = (
    "auth: names no enabled plugin, and there is no default; write one, such as "
    "'jwt: {public_key_file: public.pem}', or 'anonymous:' where anybody may connect"
)
CONDITION = (
    "a condition is {env: NAME, in: […]}, {env: NAME, not_in: […]}, {env: NAME, set: true}, "
    "{all: […]} or {any: […]}"
)
MALFORMED = (
    "has a '${' that starts no substitution; write ${NAME}, ${NAME:-default} or ${NAME:+then}, "
    "and $${ for a literal ${"
)
UNUSABLE = "holds a character that text cannot have (NUL or half a surrogate pair)"


def problems(env: PluginEnv, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        env.load(text, environ)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    assert all(line.startswith("gatewright.yaml:") for line in lines)
    return [line.removeprefix("gatewright.yaml:").strip() for line in lines]


FILES = {
    "list at the top": ("- a", ["1:1: must be a mapping of sections, such as 'server:'"]),
    "text at the top": ("hello", ["1:1: must be a mapping of sections, such as 'server:'"]),
    "empty": ("", [NO_AUTH]),
    "only a comment": ("# nothing\n", [NO_AUTH]),
    "syntax": (
        "auth: [a",
        ["1:9: not valid YAML: expected ',' or ']', but got '<stream end>'"],
    ),
    "tab": (
        "auth:\n\tjwt:",
        ["2:1: not valid YAML: found character '\\t' that cannot start any token"],
    ),
    "control character": (
        "a: b\nc: \x07",
        ["2:4: not valid YAML: a character that YAML does not allow"],
    ),
    "impossible escape": ('a: "\\UFFFFFFFF"', ["not valid YAML: an escape that is no character"]),
    "two documents": (
        "a: 1\n---\nb: 2",
        ["2:1: not valid YAML: but found another document"],
    ),
    "unknown alias": ("a: *b", ["1:4: not valid YAML: found undefined alias 'b'"]),
    "python object": (
        f"{AUTH}server: !!python/object/apply:os.system ['true']",
        ["2:9: server: tag !!python/object/apply:os.system is not allowed; write plain values"],
    ),
    "python name as a key": (
        f"{AUTH}!!python/name:os.system x: 1",
        ["2:1: tag !!python/name:os.system is not allowed; write plain values"],
    ),
    "own tag": (
        f"{AUTH}server: {{bind: !secret x}}",
        ["2:16: server.bind: tag !secret is not allowed; write plain values"],
    ),
    "binary": (
        f"{AUTH}server: {{bind: !!binary eA==}}",
        ["2:16: server.bind: tag !!binary is not allowed; write plain values"],
    ),
    "number that is none": (
        f"{AUTH}limits: {{connections: !!int x}}",
        ["2:23: limits.connections: cannot be read as !!int"],
    ),
    "number beyond reading": (
        f"{AUTH}limits: {{connections: {'9' * 5000}}}",
        ["2:23: limits.connections: cannot be read as !!int"],
    ),
    "half a surrogate pair": (
        AUTH + 'server: {bind: "\\ud800"}',
        [f"2:16: server.bind: {UNUSABLE}"],
    ),
    "NUL": (AUTH + 'server: {bind: "\\0"}', [f"2:16: server.bind: {UNUSABLE}"]),
    "complex key": (f"{AUTH}? [a]\n: b", ["2:3: a key must be text"]),
    "merge key": (
        f"{AUTH}server:\n  <<: {{bind: x}}\n",
        ["3:3: server: merge keys ('<<') are not supported; write the options out"],
    ),
    "duplicate keys": (
        f"{AUTH}server: {{path: /a}}\nlimits:\n  connections: 1\n  connections: 2\nserver: 1",
        [
            "5:3: limits.connections: written twice, first on line 4",
            "6:1: server: written twice, first on line 2",
        ],
    ),
    "nested too deep": ("a: " + "[" * 40, ["1:35: nests deeper than 32 levels"]),
    "alias to itself": ("a: &a [*a]", ["1:4: too much of it once aliases are followed"]),
    "unknown section": (
        f"transport: {{}}\n{AUTH}zzz: 1\n",
        [
            "1:1: transport: unknown section; did you mean 'transports'?",
            "3:1: zzz: unknown section",
        ],
    ),
    "section of the core is no mapping": (
        f"{AUTH}server: 5\nlimits: [a]",
        [
            "2:9: server: must be a mapping of options, found a number",
            "3:9: limits: must be a mapping of options, found a list",
        ],
    ),
    "section of plugins is no mapping": (
        f"{AUTH}events: webhook\npresence: [redis]",
        [
            "2:9: events: must be a mapping of plugins, found text",
            "3:11: presence: must be a mapping of plugins, found a list",
        ],
    ),
    "entry is no mapping": (
        f"{AUTH}events: {{webhook: true, console: [x]}}",
        [
            "2:19: events.webhook: must be a mapping of options, found true",
            "2:34: events.console: must be a mapping of options, found a list",
        ],
    ),
    "unknown plugin": (
        f"{AUTH}transports:\n  redis_steam: {{}}\n",
        [
            (
                "3:3: transports.redis_steam: no transport named 'redis_steam'; did you mean "
                "'redis_stream'? Installed: http, redis_stream."
            )
        ],
    ),
    "known, not installed": (
        f"{AUTH}transports:\n  rabbitmq: {{}}\n",
        [
            (
                "3:3: transports.rabbitmq: published as gatewright-transport-rabbitmq but not "
                "installed here; run: pip install gatewright-transport-rabbitmq"
            )
        ],
    ),
    "wrong kind": (
        f"{AUTH}transports:\n  jwt: {{}}\n",
        [
            (
                "3:3: transports.jwt: 'jwt' is installed but offers auth, not transport. "
                "Transports: http, redis_stream."
            )
        ],
    ),
    "bad label": (
        f"{AUTH}transports:\n  http/a b: {{}}\n  http/: {{}}\n  /eu: {{}}",
        [
            f"{line}:3: transports.{name}: must be a plugin's name, or name/label with a label of "
            "letters, digits, . _ -"
            for line, name in ((3, "http/a b"), (4, "http/"), (5, "/eu"))
        ],
    ),
    "two for one": (
        f"{AUTH}presence:\n  memory:\n  redis: {{dsn: x}}\n",
        ["4:3: presence: takes one, found memory and redis; disable one"],
    ),
    "three for one": (
        f"{AUTH}presence:\n  memory:\n  redis: {{dsn: x}}\n  redis/b: {{dsn: x}}\n",
        ["4:3: presence: takes one, found memory, redis and redis/b; disable all but one"],
    ),
    "no auth": ("auth:\n  anonymous: {enabled: false}\n", [f"1:1: {NO_AUTH}"]),
    "unknown option": (
        f"{AUTH}transports:\n  redis_stream:\n    dsn: x\n    strem: y\n    zzz: 1\n",
        [
            "5:5: transports.redis_stream.strem: unknown option; did you mean 'stream'?",
            "6:5: transports.redis_stream.zzz: unknown option",
        ],
    ),
    "misspelt enabled": (
        f"{AUTH}transports:\n  http:\n    enabeld: false\n",
        ["4:5: transports.http.enabeld: unknown option; did you mean 'enabled'?"],
    ),
    "unknown option of the core": (
        f"{AUTH}server: {{bnid: x}}",
        ["2:10: server.bnid: unknown option; did you mean 'bind'?"],
    ),
    "unknown option of an inner model": (
        (
            f"{AUTH}transports: {{redis_stream: {{dsn: x, pool: {{size: 1, nam: y}}, "
            "pools: [{size: 1}, {size: 2, sice: 3}]}}"
        ),
        [
            "2:53: transports.redis_stream.pool.nam: unknown option; did you mean 'name'?",
            "2:91: transports.redis_stream.pools[1].sice: unknown option; did you mean 'size'?",
        ],
    ),
    "wrong types": (
        f"""{AUTH}transports:
  redis_stream:
    dsn: 6379
    stream: [x]
    count: many
    share: {{}}
    tags: x
    streams: [x]
    pool: x
    pools: [x]
    fast: perhaps
""",
        [
            "4:10: transports.redis_stream.dsn: must be text, found a number",
            "5:13: transports.redis_stream.stream: must be text, found a list",
            "6:12: transports.redis_stream.count: must be a whole number, found text",
            "7:12: transports.redis_stream.share: must be a number, found a mapping",
            "8:11: transports.redis_stream.tags: must be a list, found text",
            "9:14: transports.redis_stream.streams: must be a mapping, found a list",
            "10:11: transports.redis_stream.pool: must be a mapping, found text",
            "11:13: transports.redis_stream.pools[0]: must be a mapping, found text",
            "12:11: transports.redis_stream.fast: must be true or false, found text",
        ],
    ),
    "nothing where something belongs": (
        f"{AUTH}transports: {{redis_stream: {{dsn: , count: ~}}}}",
        [
            "2:33: transports.redis_stream.dsn: must be text, found nothing",
            "2:43: transports.redis_stream.count: must be a whole number, found nothing",
        ],
    ),
    "true is no number": (
        f"{AUTH}limits: {{connections: yes, handshake_seconds: true, message_bytes: 0}}",
        [
            "2:23: limits.connections: must be a whole number, found true",
            "2:47: limits.handshake_seconds: must be a number, found true",
            "2:68: limits.message_bytes: must be greater than 0",
        ],
    ),
    "fraction": (
        f"{AUTH}limits: {{connections: 1.5}}",
        ["2:23: limits.connections: must be a whole number, found a fraction"],
    ),
    "out of range": (
        (
            f"{AUTH}transports: {{redis_stream: {{dsn: x, count: 0, share: 1}}, "
            "redis_stream/b: {dsn: x, count: 1001, share: -0.1}}"
        ),
        [
            "2:44: transports.redis_stream.count: must be greater than 0",
            "2:54: transports.redis_stream.share: must be less than 1",
            "2:90: transports.redis_stream/b.count: must be at most 1000",
            "2:103: transports.redis_stream/b.share: must be at least 0",
        ],
    ),
    "infinite": (
        f"{AUTH}keepalive: {{interval_seconds: .inf, timeout_seconds: .nan}}",
        [
            "2:31: keepalive.interval_seconds: must be a finite number",
            "2:54: keepalive.timeout_seconds: must be a finite number",
        ],
    ),
    "lengths": (
        (
            f"{AUTH}transports: {{redis_stream: {{dsn: x, stream: '', tags: []}}, "
            "redis_stream/b: {dsn: x, tags: [a, b, c, d]}}\n"
            f"server: {{node_id: {'n' * 200}}}"
        ),
        [
            "2:45: transports.redis_stream.stream: must not be empty",
            "2:55: transports.redis_stream.tags: must not be an empty list",
            "2:91: transports.redis_stream/b.tags: must have at most 3 items",
            "3:19: server.node_id: must have at most 128 characters",
        ],
    ),
    "item of a list": (
        f"{AUTH}transports: {{redis_stream: {{dsn: x, tags: [a, 1]}}}}",
        ["2:47: transports.redis_stream.tags[1]: must be text, found a number"],
    ),
    "value of a mapping": (
        f"{AUTH}transports: {{redis_stream: {{dsn: x, streams: {{message_received: 5}}}}}}",
        [
            "2:65: transports.redis_stream.streams.message_received: must be text, found a number",
        ],
    ),
    "one of two types": (
        f"{AUTH}transports: {{redis_stream: {{dsn: x, either: {{}}}}}}",
        ["2:45: transports.redis_stream.either: must be a whole number or a list, found a mapping"],
    ),
    "choice": (
        f"{AUTH}server: {{refuse_with: shrug}}\nlogging: {{level: 5}}",
        [
            "2:23: server.refuse_with: must be one of close, http_401",
            "3:18: logging.level: must be one of debug, info, warning, error",
        ],
    ),
    "pattern": (
        f"{AUTH}server: {{path: ws}}",
        ["2:16: server.path: must match the pattern ^/[^?#]*$"],
    ),
    "required": (
        f"{AUTH}transports:\n  redis_stream:\n",
        ["3:3: transports.redis_stream.dsn: is required"],
    ),
    "required in an inner model": (
        f"{AUTH}server:\n  tls:\n    key: k\n",
        ["3:3: server.tls.certificate: is required"],
    ),
    "required, but empty": (
        f'{AUTH}presence:\n  redis:\n    dsn: "${{REDIS_DSN:-}}"\n',
        ["4:5: presence.redis.dsn: is required, but empty once variables are put in"],
    ),
    "validator of the whole entry": (
        "auth:\n  jwt: {leeway: 1}\n",
        ["2:3: auth.jwt: needs public_key or public_key_file"],
    ),
    "missing variables": (
        (
            f"{AUTH}presence:\n  redis:\n    dsn: ${{PRESENCE_REDIS_DSN}}\n"
            'transports:\n  http:\n    api_keys: [a, "${A}${B}"]\n'
        ),
        [
            "4:5: presence.redis.dsn: environment variable PRESENCE_REDIS_DSN is not set",
            "7:19: transports.http.api_keys[1]: environment variable A is not set",
            "7:19: transports.http.api_keys[1]: environment variable B is not set",
        ],
    ),
    "missing variable for a model with a validator": (
        "auth:\n  jwt:\n    public_key: ${KEY}\n",
        ["3:5: auth.jwt.public_key: environment variable KEY is not set"],
    ),
    "malformed substitution": (
        f"{AUTH}server:\n  bind: ${{1}}\n  node_id: ${{A:?}}\n",
        [f"3:3: server.bind: {MALFORMED}", f"4:3: server.node_id: {MALFORMED}"],
    ),
    "enabled is no condition": (
        (
            f"{AUTH}events:\n  webhook: {{enabled: perhaps}}\n  console: {{enabled: [true]}}\n"
            "  console/b: {enabled: 1.5}"
        ),
        [
            "3:22: events.webhook.enabled: must be true, false or a condition, found text",
            (
                f"4:22: events.console.enabled: must be true, false or a condition, found a list; "
                f"{CONDITION}"
            ),
            "5:24: events.console/b.enabled: must be true, false or a condition, found a number",
        ],
    ),
    "bad conditions": (
        f"""{AUTH}events:
  webhook/a: {{enabled: {{evn: A, in: [x]}}}}
  webhook/b: {{enabled: {{env: A}}}}
  webhook/c: {{enabled: {{env: A, in: [x], set: true}}}}
  webhook/d: {{enabled: {{env: A, in: x}}}}
  webhook/e: {{enabled: {{env: 5, in: [x]}}}}
  webhook/f: {{enabled: {{env: A, set: maybe}}}}
  webhook/g: {{enabled: {{all: []}}}}
  webhook/h: {{enabled: {{any: true}}}}
  webhook/i: {{enabled: {{any: [{{env: A, in: [[x]]}}]}}}}
  webhook/j: {{enabled: {{}}}}
  webhook/k: {{enabled: {{env: A, set: [x]}}}}
  webhook/l: {{enabled: "${{A}}"}}
  webhook/m: {{enabled: "${{A"}}
""",
        [
            "3:25: events.webhook/a.enabled.evn: unknown option; did you mean 'env'?",
            f"4:24: events.webhook/b.enabled: {CONDITION}",
            f"5:24: events.webhook/c.enabled: {CONDITION}",
            "6:37: events.webhook/d.enabled.in: must be a list, found text",
            (
                "7:30: events.webhook/e.enabled.env: must be the name of an environment variable, "
                "found a number"
            ),
            "8:38: events.webhook/f.enabled.set: must be true, false or a condition, found text",
            "9:30: events.webhook/g.enabled.all: must be a list of conditions",
            "10:30: events.webhook/h.enabled.any: must be a list of conditions",
            "11:45: events.webhook/i.enabled.any[0].in[0]: must be text, found a list",
            f"12:24: events.webhook/j.enabled: {CONDITION}",
            "13:38: events.webhook/k.enabled.set: must be true or false",
            "14:15: events.webhook/l.enabled: environment variable A is not set",
            f"15:15: events.webhook/m.enabled: {MALFORMED}",
        ],
    ),
    "addresses": (
        f"""{AUTH}server:
  bind: localhost
  internal_bind: "[::1]:99999"
  trusted_proxies: [10.0.0.0/8, 10.0.0.1/8, proxy]
  allowed_origins: ["https://app.example.com", "*", "https://App.example.com/", "https://a:443"]
""",
        [
            (
                "3:9: server.bind: must be host:port, [v6]:port or unix:/path, with a port from 0 "
                "to 65535"
            ),
            (
                "4:18: server.internal_bind: must be host:port, [v6]:port or unix:/path, with a "
                "port from 0 to 65535"
            ),
            (
                "5:33: server.trusted_proxies[1]: must be a network whose address ends where its "
                "mask ends, such as 10.0.0.0/8"
            ),
            (
                "5:45: server.trusted_proxies[2]: must be an address or a network, such as "
                "10.0.0.0/8 or fd00::/8"
            ),
            (
                "6:48: server.allowed_origins[1]: must name one origin; leave allowed_origins out "
                "to allow any"
            ),
            (
                "6:53: server.allowed_origins[2]: must be an origin as browsers send it: "
                "scheme://host or scheme://host:port, in lower case, without a path"
            ),
            "6:81: server.allowed_origins[3]: must leave out :443, as browsers do for https",
        ],
    ),
    "items that cannot be used": (
        f"{AUTH}events: {{console: {{types: [conected]}}, webhook: {{types: []}}}}",
        [
            (
                "2:28: events.console.types[0]: must be one of connected, message_received, "
                "disconnected"
            ),
            "2:57: events.webhook.types: must not be an empty list",
        ],
    ),
    "one bind twice": (
        f"{AUTH}server: {{bind: 'a:1', internal_bind: 'a:1'}}",
        ["2:1: server: bind and internal_bind are the same; leave internal_bind out to share one"],
    ),
    "compression without its driver": (
        f"{AUTH}server: {{permessage_deflate: true, socket_driver: asgi}}",
        ["2:1: server: permessage_deflate needs the direct driver; socket_driver is asgi"],
    ),
    "compression that is neither on nor off": (
        f"{AUTH}server: {{permessage_deflate: 5}}",
        ["2:30: server.permessage_deflate: must be true, false, or a mapping of its options"],
    ),
    "compression beyond zlib": (
        f"{AUTH}server: {{permessage_deflate: {{level: 10, min_bytes: -1}}}}",
        [
            "2:38: server.permessage_deflate.level: must be at most 9",
            "2:53: server.permessage_deflate.min_bytes: must be at least 0",
        ],
    ),
    "odd names stay on one line": (
        AUTH + '"a\\nb": 1\n"": 2\n',
        ["2:1: 'a\\nb': unknown section", "3:1: '': unknown section"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), FILES.values(), ids=FILES)
def test_a_bad_file_is_told_exactly_what_is_wrong(
    shop: PluginEnv, text: str, expected: list[str]
) -> None:
    assert problems(shop, text) == expected


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file(shop: PluginEnv) -> None:
    text = """
        events:
          webhok: {}
        server: {bind: x}
        transports:
          redis_stream: {dns: x}
        zzz: 1
        """
    assert [line.split(": ")[1] for line in problems(shop, text)] == [
        "events.webhok",
        "server.bind",
        "transports.redis_stream.dsn",
        "transports.redis_stream.dns",
        "zzz",
        "names no enabled plugin, and there is no default; write one, such as 'jwt",
    ]


def test_a_faulty_plugin_is_told_at_its_place(shop: PluginEnv) -> None:
    shop.module("broken", "import nowhere_to_be_found")
    shop.distribution("gatewright-transport-rabbitmq", transport={"rabbitmq": "broken"})

    assert problems(shop, f"{AUTH}transports:\n  rabbitmq: {{}}\n") == [
        (
            "3:3: transports.rabbitmq: plugin 'rabbitmq' (gatewright-transport-rabbitmq 1.0) "
            "cannot be imported: ModuleNotFoundError: No module named 'nowhere_to_be_found'; "
            "reinstall it"
        )
    ]


def test_a_name_taken_twice_is_told_at_its_place(shop: PluginEnv) -> None:
    shop.plugin("events", "webhook", distribution="other", version="2")

    assert problems(shop, f"{AUTH}events:\n  webhook:\n") == [
        (
            "3:3: events.webhook: two distributions provide event sink 'webhook': "
            "acme-events-webhook 1.0 and other 2; uninstall one"
        )
    ]


def test_a_missing_built_in_is_told_without_a_place(plugin_env: PluginEnv) -> None:
    plugin_env.defaults()
    plugin_env.module("made_bus_memory", "GATEWRIGHT_API = (2, 0)")

    assert problems(plugin_env, AUTH) == [
        (
            "bus.memory: plugin 'memory' (acme-bus-memory 1.0) was built for hook API 2.0; "
            "gatewright 1.4 offers 1.0; upgrade gatewright, or install acme-bus-memory<1.0"
        )
    ]


def test_a_validator_that_breaks_is_told_and_keeps_values_to_itself(shop: PluginEnv) -> None:
    shop.plugin(
        "transport",
        "odd",
        """
        key: str = ""

        @field_validator("key")
        def _odd(cls, value):
            raise KeyError(value)
        """,
    )
    assert problems(shop, f"{AUTH}transports:\n  odd: {{key: canary-secret}}\n") == [
        "3:3: transports.odd: checking it raised KeyError"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "transports: {redis_stream: {dsn: [canary-secret]}}",
        "transports: {redis_stream: {dsn: x, count: canary-secret}}",
        "transports: {redis_stream: {dsn: x, mode: canary-secret}}",
        "transports: {redis_stream: {dsn: 'redis://:canary-secret${'}}",
        "transports: {redis_stream: canary-secret}",
        "transports: {redis_stream: {dsn: '${CANARY}', fast: '${CANARY}'}}",
        "transports: {http: {api_keys: '${CANARY}'}}",
        "auth: {jwt: {public_key: canary-secret, leeway: canary-secret}}",
        "server: {bind: canary-secret, path: canary-secret, trusted_proxies: [canary-secret]}",
        "server: {allowed_origins: [canary-secret], tls: canary-secret}",
        "events: {webhook: {enabled: canary-secret, secret: canary-secret}}",
        "events: {webhook: {enabled: {env: A, in: canary-secret}}}",
        "limits: canary-secret",
        "presence: canary-secret",
        "server: !!int canary-secret",
        "server: [canary-secret",
        "canary-secret",
    ],
)
def test_no_problem_ever_repeats_a_value(shop: PluginEnv, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        shop.load(text, {"CANARY": "canary-secret"})

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("said", ["HS256 needs a secret", "URL has no host", "Takes one"])
def test_what_a_plugin_says_begins_in_lower_case_unless_it_is_a_name(
    shop: PluginEnv, said: str
) -> None:
    shop.plugin(
        "events",
        "fussy",
        f"""
        @field_validator("types")
        @classmethod
        def _fussy(cls, value):
            raise PydanticCustomError("fussy", {said!r})
        """,
        extra="from pydantic import field_validator\n"
        "from pydantic_core import PydanticCustomError\n",
    )

    assert problems(shop, f"{AUTH}events: {{fussy: {{types: [connected]}}}}") == [
        f"2:25: events.fussy.types: {said.replace('Takes', 'takes')}"
    ]


def test_a_secret_is_masked_in_what_is_loaded(shop: PluginEnv) -> None:
    config = shop.load(f"{AUTH}transports: {{redis_stream: {{dsn: canary-secret}}}}")

    assert "canary" not in repr(config)


def test_a_validators_own_kind_of_error_is_no_second_problem_either(shop):
    shop.plugin(
        "rate_limit",
        "share",
        """
        key: str | None = None

        @model_validator(mode="after")
        def _has_a_key(self):
            if self.key is None:
                raise PydanticCustomError("share_key", "no key")
            return self
        """,
        extra="from pydantic_core import PydanticCustomError\n\n",
    )
    missing = f"{AUTH}rate_limit:\n  share: {{key: '${{KEY}}'}}\n"

    assert problems(shop, missing) == [
        "3:11: rate_limit.share.key: environment variable KEY is not set"
    ]
    assert problems(shop, f"{AUTH}rate_limit: {{share: }}\n") == ["2:14: rate_limit.share: no key"]
