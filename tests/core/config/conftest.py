"""Fixtures of the configuration's tests."""

import pytest
from tests.core.plugin_env import PluginEnv


@pytest.fixture
def shop(plugin_env: PluginEnv) -> PluginEnv:
    """The defaults, and a few plugins to choose from."""
    plugin_env.defaults()
    fill(plugin_env)
    return plugin_env


@pytest.fixture
def open_shop(shop: PluginEnv) -> PluginEnv:
    """The same, loaded once for all the examples of one test."""
    shop.shared = shop.manager()
    return shop


def fill(env: PluginEnv) -> None:
    """Add plugins with options of every sort."""
    env.plugin(
        "auth",
        "jwt",
        """
        algorithms: tuple[str, ...] = ("RS256",)
        public_key: SecretStr | None = None
        public_key_file: str | None = None
        leeway: float = 0

        @model_validator(mode="after")
        def _one_key(self):
            if self.public_key is None and self.public_key_file is None:
                raise ValueError("needs public_key or public_key_file")
            return self
        """,
    )
    env.plugin(
        "transport",
        "redis_stream",
        """
        dsn: SecretStr
        stream: Annotated[str, Field(min_length=1)] = "ws.outbox"
        count: Annotated[int, Field(gt=0, le=1000)] = 10
        share: Annotated[float, Field(ge=0, lt=1)] = 0.5
        mode: Literal["a", "b"] = "a"
        tags: Annotated[tuple[str, ...], Field(min_length=1, max_length=3)] = ("x",)
        streams: dict[str, str] = {}
        pool: Pool | None = None
        pools: tuple[Pool, ...] = ()
        either: int | list[str] = 1
        fast: bool = False
        """,
        extra="class Pool(Settings):\n    size: int\n    name: str = 'pool'\n\n",
    )
    env.plugin("transport", "http", "api_keys: tuple[SecretStr, ...] = ()")
    env.plugin("presence", "redis", "dsn: str")
    env.plugin("events", "webhook", "url: str | None = None\nsecret: SecretStr | None = None")
    env.plugin("events", "console")
