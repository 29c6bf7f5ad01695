"""The native core: that it loads, which kernels run, and that each set of them gives the truth.

A process settles on its kernels once, so each set is tested in a process of its own.
"""

import os
import platform
from typing import Callable, List

from edge_attp.doctor.findings import Finding, Patient, failed, passed, skipped, warned
from edge_attp.errors import EdgeAttpError, UsageError

__all__ = ["core", "kernel_sets", "self_test"]

KERNELS = {"x86_64": ("scalar", "sse41", "avx2"), "aarch64": ("scalar", "neon")}
BUILD_AGAIN = "build it again on this machine: `pip install -e .` in the repository"


def kernel_sets() -> List[str]:
    """Names of the sets that the core may have on this kind of processor."""
    return list(KERNELS.get(platform.machine(), ("scalar",)))


def core(patient: Patient) -> List[Finding]:
    """Whether it loads, and the kernels in use."""
    from edge_attp.bitstream import binding

    try:
        kernels = binding.cpu()
    except UsageError as error:
        return [failed("core", str(error), "unset EDGE_ATTP_CPU")]
    except EdgeAttpError as error:
        return [failed("core", str(error), BUILD_AGAIN)]
    path = binding.library_path()
    value = "%s kernels, interface %d, %s" % (kernels, binding.ABI_VERSION, path)
    if os.environ.get("EDGE_ATTP_CPU"):
        return [warned("core", value + ", forced by EDGE_ATTP_CPU", "unset EDGE_ATTP_CPU")]
    if kernels == "avx2" and not os.path.exists(os.path.splitext(path)[0] + "_avx2.so"):
        value += "; the library built for AVX2 is missing, so parsing is slower"
        return [warned("core", value, BUILD_AGAIN)]
    return [passed("core", value)]


def self_test(kernels: str) -> Callable[[Patient], List[Finding]]:
    """The check of one set of kernels. It sets EDGE_ATTP_CPU: for a process of its own."""

    def look(patient: Patient) -> List[Finding]:
        os.environ["EDGE_ATTP_CPU"] = kernels
        from edge_attp.bitstream import binding

        subject = "core." + kernels
        try:
            binding.native_core()
        except UsageError:
            return [skipped(subject, "this processor has no such kernels")]
        except EdgeAttpError:
            return [skipped(subject, "the core does not load")]
        return [_tested(subject)]

    return look


def _tested(subject: str) -> Finding:
    from edge_attp.doctor.self_test import STREAMS, difference

    for codec in STREAMS:
        wrong = difference(codec)
        if wrong:
            value = "the %s self-test gives other motion or residual: %s" % (codec, wrong)
            return failed(subject, value, BUILD_AGAIN + "; if it stays so, report it")
    return passed(
        subject, "motion and residual of the self-test are right (%s)" % ", ".join(STREAMS)
    )
