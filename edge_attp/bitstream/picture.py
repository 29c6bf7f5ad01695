"""One parsed picture: its place in the stream, its motion and its residual."""

import ctypes
from typing import Optional, Tuple

from edge_attp.bitstream import binding
from edge_attp.bitstream.arrays import MotionField, PictureHandle, Residual
from edge_attp.bitstream.nal import KeyBytes
from edge_attp.bitstream.orientation import Orientation
from edge_attp.bitstream.syntax import HEVC, Syntax
from edge_attp.types import CodingCounts, ModeCounts


class Picture:
    """One picture in decoding order. It stays valid after the next one, and after the video is closed.

    Only CompressedVideo makes pictures. They may be used in any thread, one thread at a time if they come
    from `sample()`: there, the first use of `motion` or `residual` may parse the picture.

    >>> from edge_attp.bitstream import CompressedVideo
    >>> with CompressedVideo("examples/demo.mp4") as video:
    ...     picture = list(video)[1]
    >>> picture
    <Picture 1 P 340x256 poc=6 pts=1536 ok, 3230 bytes>
    >>> picture.decode_index, picture.kind, picture.is_reference, picture.time_s
    (1, 'P', True, 0.12)
    """

    __slots__ = (
        "_handle",
        "_info",
        "_syntax",
        "_decoder",
        "_seconds_per_tick",
        "_orientation",
        "_motion",
        "_residual",
        "key_bytes",
        "is_anchor",
        "is_shown",
    )

    def __init__(
        self,
        address: int,
        info: binding.PictureInfo,
        syntax: Syntax,
        seconds_per_tick: Optional[float],
        decoder: Optional[binding.Decoder] = None,
        orientation: Optional[Orientation] = None,
    ) -> None:
        """Takes over one reference to the native picture, which `decoder` parses at first use. Without
        `orientation`, everything stays as it is coded."""
        self._handle = PictureHandle(address, binding.native_core().attp_picture_release)
        self._info = info
        self._syntax = syntax
        self._decoder = decoder
        self._seconds_per_tick = seconds_per_tick
        self._orientation = orientation
        self._motion: Optional[MotionField] = None
        self._residual: Optional[Residual] = None
        self.key_bytes: Optional[KeyBytes] = None
        self.is_anchor = False
        self.is_shown = True  # False: an edit list hides it

    def parse(self) -> None:
        """Parses a picture from `sample()` now; otherwise `motion` and `residual` do it when first used."""
        if not self._info.is_parsed and self._decoder is not None:
            self._decoder.parse_picture(self._handle.address)
            self._info = binding.picture_info(self._handle.address)
            self._decoder = None

    @property
    def address(self) -> int:
        """Of the native picture, for other users of the native core; valid as long as this object."""
        return self._handle.address

    @property
    def turned_by(self) -> Optional[Orientation]:
        """How everything here was turned; None if it is as it was coded."""
        return self._orientation

    @property
    def motion(self) -> MotionField:
        """Motion vectors, references, modes and weights."""
        if self._motion is None:
            self.parse()
            self._motion = MotionField(self._handle, self._info, self._orientation)
        return self._motion

    @property
    def residual(self) -> Optional[Residual]:
        """Coded residual, None if the video was opened with residual=False."""
        if self._residual is None:
            self.parse()
            if self._info.y is not None:
                self._residual = Residual(self._handle, self._info, self._orientation)
        return self._residual

    @property
    def decode_index(self) -> int:
        """Number of the picture in decoding order, from 0."""
        return int(self._info.decode_index)

    @property
    def pts(self) -> Optional[int]:
        """Presentation time in ticks of the video's time_base, as the container has it; None if it has none.
        docs/times.md says what containers make of it."""
        pts = int(self._info.pts)
        return None if pts == binding.NO_PTS else pts

    @property
    def dts(self) -> Optional[int]:
        """Decoding time in ticks of the video's time_base, as the container has it; None if it has none."""
        dts = int(self._info.dts)
        return None if dts == binding.NO_PTS else dts

    @property
    def packet(self) -> int:
        """Number of the packet in which the picture begins, from 0."""
        return int(self._info.packet)

    @property
    def time_s(self) -> Optional[float]:
        """`pts` in seconds, or `dts` if there is no pts; None without both."""
        pts = self.dts if self.pts is None else self.pts
        if pts is None or self._seconds_per_tick is None:
            return None
        return pts * self._seconds_per_tick

    @property
    def poc(self) -> int:
        """Picture order count: display order within a coded video sequence (PicOrderCnt() of H.264 clause
        8.2.1, PicOrderCntVal of HEVC clause 8.3.1). As decoded: before memory_management_control_operation
        5 of H.264 turns it into the 0 of a new count."""
        return int(self._info.poc)

    @property
    def poc_step(self) -> int:
        """POC difference of two neighbours in display order."""
        return int(self._info.poc_step)

    @property
    def kind(self) -> str:
        """'I', 'P' or 'B': the most general slice type of the picture."""
        return chr(self._info.kind)

    @property
    def is_random_access(self) -> bool:
        """Whether decoding may begin here, so that decode_key() works: an IDR picture; in H.264 also an intra
        picture at a recovery point, in HEVC also a CRA or BLA picture."""
        return bool(self._info.is_random_access)

    @property
    def is_idr(self) -> bool:
        """Whether this is an IDR picture."""
        return bool(self._info.is_idr)

    @property
    def is_reference(self) -> bool:
        """Whether other pictures may refer to this one. In HEVC, False means only that pictures of the same
        sub-layer do not; those of higher ones may."""
        return bool(self._info.is_reference)

    @property
    def integrity(self) -> str:
        """'ok', or 'damaged' if this picture or something it depends on was not read completely."""
        return "damaged" if self._info.is_damaged else "ok"

    @property
    def damage(self) -> str:
        """The first fault found in this picture, empty if there is none."""
        return bytes(self._info.damage).decode("utf-8", "replace")

    @property
    def shape(self) -> Tuple[int, int]:
        """(height, width) in luma samples after cropping, and after turning in a video with oriented=True."""
        height, width = self._info.height_px, self._info.width_px
        is_swapped = self._orientation is not None and self._orientation.swaps_sides
        return (width, height) if is_swapped else (height, width)

    @property
    def mode_counts(self) -> ModeCounts:
        """Number of macroblocks (H.264) or 8x8 luma blocks (HEVC) by mode; all zero until a picture from
        `sample()` is parsed."""
        info = self._info
        return ModeCounts(info.count_intra, info.count_inter, info.count_skip, info.count_pcm)

    @property
    def coding_counts(self) -> Optional[CodingCounts]:
        """Number of coding, prediction and transform units by size and kind; None in H.264, which has no such
        units. All zero until a picture from `sample()` is parsed."""
        if self._syntax is not HEVC:
            return None
        counts = binding.BlockCounts()
        binding.native_core().attp_picture_get_block_counts(
            self._handle.address, ctypes.byref(counts)
        )
        return CodingCounts(
            counts.coding_tree_units,
            tuple(counts.coding_units),
            counts.prediction_units,
            counts.merged,
            counts.bi_predicted,
            tuple(counts.luma_transforms),
        )

    @property
    def packet_bytes(self) -> int:
        """Total size of the NAL units of this picture."""
        return int(self._info.packet_bytes)

    @property
    def slices(self) -> int:
        """Number of slices (in HEVC, of slice segments)."""
        return int(self._info.slices)

    @property
    def nal_unit_type(self) -> int:
        """nal_unit_type of the slices."""
        return int(self._info.nal_unit_type)

    @property
    def nal_unit_name(self) -> str:
        """The standard's name of that type: "CRA", "RASL_N", "TRAIL_R" ... (HEVC, table 7-1); "IDR" or
        "non-IDR" in H.264."""
        return self._syntax.picture_names.get(self.nal_unit_type, str(self.nal_unit_type))

    @property
    def temporal_id(self) -> int:
        """TemporalId, the temporal sub-layer of an HEVC picture; 0 in H.264."""
        return int(self._info.temporal_id)

    @property
    def frame_num(self) -> int:
        """frame_num of H.264; 0 in HEVC."""
        return int(self._info.frame_num)

    def __repr__(self) -> str:
        height, width = self.shape
        return (
            f"<Picture {self.decode_index} {self.kind} {width}x{height} poc={self.poc} pts={self.pts} "
            f"{self.integrity}, {self.packet_bytes} bytes>"
        )
