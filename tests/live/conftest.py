"""Fixtures that close what they opened."""

import pytest
from viewer import Viewer

from rigs.camera import Camera, Relay


@pytest.fixture
def closed_later():
    """closed_later(thing): thing.close() is called in the end, last opened first."""
    things = []

    def remember(thing):
        things.append(thing)
        return thing

    yield remember
    for thing in reversed(things):
        thing.close()


@pytest.fixture
def camera(closed_later):
    """camera(*arguments of rtsp_server.py)"""
    return lambda *arguments: closed_later(Camera(*arguments))


@pytest.fixture
def relay(closed_later):
    """relay(camera)"""
    return lambda camera: closed_later(Relay(camera.port))


@pytest.fixture
def viewer(closed_later):
    """viewer(address, transport, **LiveOptions)"""
    return lambda *arguments, **options: closed_later(Viewer(*arguments, **options))
