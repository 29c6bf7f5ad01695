"""Python and NumPy."""

import platform
import sys
from typing import List

from edge_attp.doctor.findings import Finding, Patient, failed, passed

__all__ = ["interpreter", "numpy"]

OLDEST_PYTHON = (3, 6)
OLDEST_NUMPY = (1, 17)


def interpreter(patient: Patient) -> List[Finding]:
    """Its version and place."""
    value = "%s, %s, %s" % (platform.python_version(), platform.machine(), sys.executable)
    if sys.version_info[:2] < OLDEST_PYTHON:
        return [failed("python", value, "install Python 3.6 or newer")]
    return [passed("python", value)]


def numpy(patient: Patient) -> List[Finding]:
    """Whether it loads and computes."""
    try:
        import numpy
    except ImportError as error:
        return [failed("numpy", "cannot be imported: %s" % error, "pip install numpy")]
    product = numpy.full((8, 8), 2.0).dot(numpy.full((8, 8), 0.5))  # through BLAS
    if not (product == 8.0).all():
        return [failed("numpy", numpy.__version__ + " computes wrongly", "install it again")]
    if tuple(int(part) for part in numpy.__version__.split(".")[:2]) < OLDEST_NUMPY:
        return [failed("numpy", numpy.__version__ + " is too old", "pip install 'numpy>=1.17'")]
    return [passed("numpy", numpy.__version__)]
