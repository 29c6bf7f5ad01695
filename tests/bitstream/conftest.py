"""Fixtures shared by the tests of the bitstream package."""

import pytest

from rigs.instruction_sets import InstructionSets
from streamwriter.h264 import handmade
from streamwriter.hevc import handmade as handmade_hevc


@pytest.fixture(params=[handmade, handmade_hevc], ids=["h264", "hevc"])
def written(request):
    """The writer of streams with known values for one codec."""
    return request.param


@pytest.fixture(scope="session")
def instruction_sets():
    """Reads files with every instruction set of this machine."""
    sets = InstructionSets()
    yield sets
    sets.close()
