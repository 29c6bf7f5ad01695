"""Names of H.264 profiles, levels and chroma formats for people (Annex A and clause 6.2)."""

_PROFILES = {
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
_CHROMA_FORMATS = ("4:0:0", "4:2:0", "4:2:2", "4:4:4")


def chroma_format_name(chroma_format_idc: int) -> str:
    return _CHROMA_FORMATS[chroma_format_idc] if 0 <= chroma_format_idc < 4 else "unknown"


def profile_name(profile_idc: int, constraint_flags: int) -> str:
    """Annex A.2; constraint_set0_flag is bit 0."""
    set1, set3, set4, set5 = (constraint_flags >> bit & 1 for bit in (1, 3, 4, 5))
    if profile_idc == 66 and set1:
        return "Constrained Baseline"
    if profile_idc == 100 and set4:
        return "Constrained High" if set5 else "Progressive High"
    if profile_idc in (110, 122, 244) and set3:
        return _PROFILES[profile_idc].replace(" Predictive", "") + " Intra"
    return _PROFILES.get(profile_idc, "profile_idc {}".format(profile_idc))


def level_name(profile_idc: int, constraint_flags: int, level_idc: int) -> str:
    """Table A-1; level 1b hides behind level_idc 11 and constraint_set3_flag in the older profiles."""
    if level_idc == 9 or (
        level_idc == 11 and profile_idc in (66, 77, 88) and constraint_flags >> 3 & 1
    ):
        return "1b"
    return (
        "{}.{}".format(level_idc // 10, level_idc % 10) if level_idc % 10 else str(level_idc // 10)
    )
