"""Names of profiles, levels and chroma formats (Annex A of both standards, and clause 6.2)."""

from edge_attp.bitstream.syntax import HEVC, Syntax

_H264_PROFILES = {
    44: "CAVLC 4:4:4 Intra",
    66: "Baseline",
    77: "Main",
    83: "Scalable Baseline",
    86: "Scalable High",
    88: "Extended",
    100: "High",
    110: "High 10",
    118: "Multiview High",
    122: "High 4:2:2",
    128: "Stereo High",
    244: "High 4:4:4 Predictive",
}
_HEVC_PROFILES = {
    1: "Main",
    2: "Main 10",
    3: "Main Still Picture",
    4: "Format Range Extensions",
    5: "High Throughput",
    6: "Multiview Main",
    7: "Scalable Main",
    8: "3D Main",
    9: "Screen-Extended",
    10: "Scalable Format Range Extensions",
    11: "High Throughput Screen-Extended",
}
_CHROMA_FORMATS = ("4:0:0", "4:2:0", "4:2:2", "4:4:4")


def chroma_format_name(chroma_format_idc: int) -> str:
    return _CHROMA_FORMATS[chroma_format_idc] if 0 <= chroma_format_idc < 4 else "unknown"


def profile_name(syntax: Syntax, profile_idc: int, constraint_flags: int) -> str:
    """The profile in words. `constraint_flags`, of H.264 (A.2), has constraint_set0_flag in bit 0."""
    if syntax is HEVC:
        return _HEVC_PROFILES.get(profile_idc, f"general_profile_idc {profile_idc}")
    set1, set3, set4, set5 = (constraint_flags >> bit & 1 for bit in (1, 3, 4, 5))
    if profile_idc == 66 and set1:
        return "Constrained Baseline"
    if profile_idc == 100 and set4:
        return "Constrained High" if set5 else "Progressive High"
    if profile_idc in (110, 122, 244) and set3:
        return _H264_PROFILES[profile_idc].replace(" Predictive", "") + " Intra"
    return _H264_PROFILES.get(profile_idc, f"profile_idc {profile_idc}")


def level_name(syntax: Syntax, profile_idc: int, constraint_flags: int, level_idc: int) -> str:
    """The level in words. In HEVC, level_idc is 30 times the level, and bit 0 of `constraint_flags` means the
    High tier. In the older profiles of H.264 (table A-1), level_idc 11 with constraint_set3_flag is level 1b."""
    if syntax is HEVC:
        tier = " (High tier)" if constraint_flags & 1 else ""
        return _decimal(level_idc // 3) + tier
    if level_idc == 9 or (
        level_idc == 11 and profile_idc in (66, 77, 88) and constraint_flags >> 3 & 1
    ):
        return "1b"
    return _decimal(level_idc)


def _decimal(tenths: int) -> str:
    return "{}.{}".format(*divmod(tenths, 10)) if tenths % 10 else str(tenths // 10)
