from importlib.metadata import entry_points

import pluggy

import gatewright_auth_jwt
from gatewright import HOOK_API, Factory
from gatewright.plugin import spec
from gatewright_auth_jwt.settings import JwtSettings


def test_the_word_jwt_leads_to_this_module():
    (found,) = entry_points(group="gatewright.auth", name="jwt")

    assert found.load() is gatewright_auth_jwt


def test_the_hook_hands_over_one_factory():
    manager = pluggy.PluginManager(spec.PROJECT)
    manager.add_hookspecs(spec)
    manager.register(gatewright_auth_jwt)
    manager.check_pending()

    (factory,) = manager.hook.gatewright_auth()

    assert isinstance(factory, Factory)
    assert factory.settings is JwtSettings
    assert factory.summary


def test_it_states_the_hook_api_it_was_written_for():
    major, minor = gatewright_auth_jwt.GATEWRIGHT_API

    assert major == HOOK_API[0]
    assert minor <= HOOK_API[1]
