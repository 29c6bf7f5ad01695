"""The truth test: eq. (1), picture = MC(references, mv) + residual, on FFmpeg's pictures, bit for bit, luma and chroma.

FFmpeg decodes without loop filter, so its pictures obey eq. (1) with respect to its own references. If our vectors,
references, weights and residual put FFmpeg's references together to FFmpeg's picture, all of them are right.
"""

import collections
from itertools import islice
from typing import NamedTuple

import numpy as np

from truth import intra_h264, intra_hevc, vectors
from truth.witness import Witness

INTRA, INTER, SKIP, PCM, MISSING = range(5)
_MOST_BYTES = 2 << 30
_FEWEST_FRAMES = 32  # twice what a decoder keeps


class Mismatch(NamedTuple):
    """The first place where something is wrong. x4, y4: 4x4 luma block; plane: 'y', 'u', 'v' or what was compared."""

    decode_index: int
    kind: str
    poc: int
    x4: int
    y4: int
    plane: str
    expected: str
    got: str
    block: str

    def __str__(self):
        return "picture {} ({}, POC {}), 4x4 block x {} y {}: {}: FFmpeg has {}, we have {} [{}]".format(
            *self
        )


class Report:
    """What was compared in one file: 4x4 blocks (`blocks`: inter and skip), FFmpeg's vectors, and what was wrong."""

    def __init__(self, name):
        self.name = str(name)
        self.pictures = self.compared = self.blocks = self.weighted_blocks = 0
        self.intra_blocks = self.pcm_blocks = self.vectors = 0
        self.damaged = 0  # pictures
        self.unmatched = 0  # pictures that only one side has
        self.lost_references = 0  # blocks that refer to a picture never received: not comparable
        self.mismatches = 0  # blocks, planes counted apart
        self.first = None
        self.broken_off = ""  # why the parser did not read to the end

    @property
    def ok(self):
        """Everything could be compared and everything was equal."""
        return not (
            self.mismatches
            or self.unmatched
            or self.damaged
            or self.lost_references
            or self.broken_off
        )

    def add(self, count, mismatch):
        """Counts `count` mismatches, of which `mismatch` is the first."""
        self.mismatches += count
        self.first = self.first or mismatch

    def __str__(self):
        counts = (
            "pictures {pictures}, inter blocks {blocks} ({weighted_blocks} weighted), intra blocks {intra_blocks}, "
            "pcm blocks {pcm_blocks}, vectors {vectors}, mismatches {mismatches}, damaged {damaged}, "
            "unmatched {unmatched}, blocks without reference {lost_references}"
        ).format(**vars(self))
        first = f"\n  first: {self.first}" if self.first else ""
        return "{}: {}{}{}".format(
            self.name, counts, first, self.broken_off and "\n  " + self.broken_off
        )


class _Frames(collections.OrderedDict):
    """Frames by decode_index: the last ones, and those before that were referred to lately."""

    def __init__(self):
        super().__init__()
        self._bytes = 0

    def add(self, picture, frame):
        for index in set(np.unique(picture.motion.reference)) & set(self):
            self.move_to_end(index)
        self[picture.decode_index] = frame
        self._bytes += _size(frame)
        while self._bytes > _MOST_BYTES and len(self) > _FEWEST_FRAMES:
            self._bytes -= _size(self.popitem(last=False)[1])


def _size(frame):
    return frame.y.nbytes + frame.u.nbytes + frame.v.nbytes


def check_stream(path, limit=None, **options):
    """Runs the truth test over one file. limit: pictures at most; options: of CompressedVideo. Returns a Report.

    What breaks the reading off is in the report; it is raised where there was no picture before it.
    """
    from edge_attp.bitstream import CompressedVideo
    from edge_attp.errors import EdgeAttpError

    report = Report(path)
    with CompressedVideo(str(path), residual=True, **options) as video:
        witness = Witness(path)
        try:
            order = _compare(islice(video, limit), witness, report)
        except EdgeAttpError as error:
            if not report.pictures:
                raise
            report.broken_off = str(error)
    if limit is None and not report.broken_off:
        report.unmatched += abs(witness.count() - report.pictures)
        if report.ok:
            _check_output_order(witness, order, report)
    return report


def _compare(pictures, witness, report):
    """Returns the POC by number of the frame."""
    frames, order = _Frames(), {}
    for picture in pictures:
        report.pictures += 1
        report.damaged += picture.integrity != "ok"
        frame = witness.take(picture)
        if frame is None:
            report.unmatched += 1
            continue
        report.compared += 1
        frames.add(picture, frame)
        check_picture(picture, frames, report)
        order[frame.number] = picture.poc
    return order


def assert_true(path, pictures):
    """The truth test holds on every picture of an undamaged file, which has so many. Returns the Report."""
    report = check_stream(path)
    assert report.ok, str(report)
    assert report.pictures == pictures, str(report)
    return report


def refusal(path):
    """What is said of a file that is out of scope, in small letters. A file that is read instead fails."""
    from edge_attp.bitstream import CompressedVideo, UnsupportedStream

    try:
        with CompressedVideo(str(path)) as video:
            read = len(list(video))
    except UnsupportedStream as error:
        return str(error).lower()
    raise AssertionError(f"{path}: {read} pictures read, none expected")


def _check_output_order(witness, order, report):
    """Picture order counts say in which order FFmpeg shows the pictures of a sequence. order: POC by number."""
    if witness.codec == "hevc":
        for numbers in witness.sequences:
            counts = [order[number] for number in numbers]
            report.unmatched += sum(one >= other for one, other in zip(counts, counts[1:]))


def check_picture(picture, frames, report):
    """Compares one Picture with FFmpeg's. frames: Frame by decode_index, of this picture and all its references.

    Of a damaged picture only the structure is checked.
    """
    frame = frames[picture.decode_index]
    if picture.pts != frame.pts:
        report.add(1, _at(picture, 0, 0, "pts", frame.pts, picture.pts))
    if not frame.y.size:
        report.add(1, _at(picture, 0, 0, "format", frame.format, "4:2:0 or 4:0:0"))
        return
    _check_structure(picture, report)
    report.lost_references += int((picture.motion.reference == -2).any(0).sum())
    if picture.integrity != "ok":
        return  # FFmpeg conceals what is missing, in a way of its own
    _check_inter(picture, frames, report)
    _check_pcm(picture, frame, report)
    count, wrong = (intra_hevc if frame.layout else intra_h264).check(picture, frame)
    report.intra_blocks += count
    _note(picture, wrong, "intra residual", "no prediction mode that fits", "this residual", report)
    if not frame.layout:  # FFmpeg exports none of HEVC
        _check_vectors(picture, frame, report)


def _check_structure(picture, report):
    """What must hold within our own data: lists in use, order of references, nothing left over in intra blocks."""
    motion = picture.motion
    inter = (motion.mode == INTER) | (motion.mode == SKIP)
    used = motion.reference != -1
    rules = {
        "mode": (motion.mode > MISSING) | ((motion.mode == MISSING) & (picture.integrity == "ok")),
        "a list in use in an inter block": inter & ~used.any(0),
        "no list in use elsewhere": ~inter & used.any(0),
        "no vector where the list is not used": (~used & (motion.mv != 0).any(-1)).any(0),
        "an earlier picture as reference": (motion.reference >= picture.decode_index).any(0),
        "the reference was received": (motion.reference == -2).any(0) & (picture.integrity == "ok"),
        "no inter block in an I picture": inter & (picture.kind == "I"),
        "no list 1 in a P picture": used[1] & (picture.kind != "B"),
    }
    for rule, broken in rules.items():
        _note(picture, broken, "rule", rule, "otherwise", report)


def _check_inter(picture, frames, report):
    motion, frame = picture.motion, frames[picture.decode_index]
    inter = (motion.mode == INTER) | (motion.mode == SKIP)
    lost = inter & ((motion.reference != -1) & ~np.isin(motion.reference, list(frames))).any(0)
    report.lost_references += int(lost.sum())
    inter &= ~lost
    report.blocks += int(inter.sum())
    report.weighted_blocks += int(inter.sum()) if motion.weights is not None else 0
    if not inter.any():
        return
    for plane, prediction in zip(_planes(picture, frame), _predict(motion, inter, frames, frame)):
        ours = np.clip(plane.cut(prediction) + plane.residual, 0, (1 << frame.bit_depth) - 1)
        _note_samples(picture, plane.mask(inter) & (ours != plane.truth), plane, ours, report)


class Plane(NamedTuple):
    """The displayed part of one plane. size: samples that a 4x4 luma block has across; x, y: where, in the first block
    of the motion field, the display begins (not 0 only where cropping is no multiple of 4)."""

    name: str
    size: int
    residual: np.ndarray
    truth: np.ndarray
    x: int
    y: int

    def cut(self, whole):
        """The displayed part of a plane of whole blocks. What the field does not reach is 0."""
        height, width = self.residual.shape
        part = whole[self.y : self.y + height, self.x : self.x + width]
        return np.pad(
            part, ((0, height - part.shape[0]), (0, width - part.shape[1])), mode="constant"
        )

    def mask(self, blocks):
        """bool per 4x4 luma block to bool per displayed sample."""
        return self.cut(np.kron(blocks, np.ones((self.size, self.size), bool)))


def _planes(picture, frame):
    """Y, U and V of a picture and of FFmpeg's frame."""
    residual = picture.residual
    for name, size, samples in zip("yuv", (4, 2, 2), (residual.y, residual.u, residual.v)):
        height, width = samples.shape
        left, top = frame.left * size // 4, frame.top * size // 4
        truth = getattr(frame, name)[top : top + height, left : left + width]
        yield Plane(name, size, samples, truth, left % size, top % size)


def _predict(motion, inter, frames, frame):
    """MC(references, mv) of the chosen blocks: three planes of whole blocks, luma and chroma, 0 in other blocks."""
    rows, columns = np.nonzero(inter)
    used = motion.reference[:, rows, columns] != -1
    shapes = ((4, 4), (2, 2), (2, 2))
    lists = []
    for i in range(2):
        blocks = [np.zeros((rows.size,) + shape, np.int32) for shape in shapes]
        reference = motion.reference[i, rows, columns]
        # One number serves both: the position in quarter luma samples, and in eighth chroma samples.
        x = 16 * (columns + frame.left // 4) + motion.mv[i, rows, columns, 0]
        y = 16 * (rows + frame.top // 4) + motion.mv[i, rows, columns, 1]
        for index in np.unique(reference[used[i]]):
            chosen = reference == index
            source = frames[int(index)].reference
            blocks[0][chosen] = source.luma(x[chosen], y[chosen])
            blocks[1][chosen], blocks[2][chosen] = source.chroma(x[chosen], y[chosen])
        lists.append(blocks)
    planes = []
    for k, (size, _) in enumerate(shapes):
        blocks = _combine(
            *(frame.reference, lists[0][k], lists[1][k], used),
            _weights_of(motion.weights, k, rows, columns),
        )
        plane = np.zeros(inter.shape + (size, size), np.int32)
        plane[rows, columns] = blocks
        planes.append(
            plane.transpose(0, 2, 1, 3).reshape(inter.shape[0] * size, inter.shape[1] * size)
        )
    return planes


def _weights_of(weights, plane, rows, columns):
    """(log2_denom, weight, offset) of one plane's blocks, or None for default prediction."""
    if weights is None:
        return None
    denom = weights.log2_denom if plane == 0 else weights.chroma_log2_denom
    names = (("weight", "offset"), ("cb_weight", "cb_offset"), ("cr_weight", "cr_offset"))[plane]
    weight, offset = (getattr(weights, name)[:, rows, columns] for name in names)
    return denom, weight, offset


def _combine(reference, first, second, used, weights):
    if weights is None:
        return reference.combine(first, second, used[0], used[1])
    return reference.combine_weighted(first, second, used[0], used[1], *weights)


def _check_pcm(picture, frame, report):
    """PCM blocks hold their samples."""
    pcm = picture.motion.mode == PCM
    report.pcm_blocks += int(pcm.sum())
    for plane in _planes(picture, frame):
        if plane.name != "y" and frame.format.startswith("gray"):
            break  # our chroma is 0 in every block, FFmpeg has none
        wrong = plane.mask(pcm) & (plane.residual != plane.truth)
        _note_samples(picture, wrong, plane, plane.residual, report)


def _check_vectors(picture, frame, report):
    count, wrong = vectors.compare(picture, frame)
    report.vectors += count
    if wrong:
        x4, y4, what, expected, got = wrong[0]
        report.add(len(wrong), _at(picture, x4, y4, what, expected, got))


def _note_samples(picture, wrong, plane, ours, report):
    """Adds the blocks in which samples differ."""
    if not wrong.any():
        return
    rows, columns = np.nonzero(wrong)
    places = sorted(set(zip((rows + plane.y) // plane.size, (columns + plane.x) // plane.size)))
    y4, x4 = (int(place) for place in places[0])
    first = ((rows + plane.y) // plane.size == y4) & ((columns + plane.x) // plane.size == x4)
    row, column = rows[first][0], columns[first][0]
    what = f"{plane.name} sample ({column}, {row})"
    report.add(len(places), _at(picture, x4, y4, what, plane.truth[row, column], ours[row, column]))


def _note(picture, wrong, what, expected, got, report):
    if wrong.any():
        y4, x4 = (int(position[0]) for position in np.nonzero(wrong))
        report.add(int(wrong.sum()), _at(picture, x4, y4, what, expected, got))


def _at(picture, x4, y4, what, expected, got):
    motion = picture.motion
    block = "mode {}, mv {}, reference {}, {}".format(
        *(motion.mode[y4, x4], motion.mv[:, y4, x4].tolist(), motion.reference[:, y4, x4].tolist()),
        *("weighted" if motion.weights is not None else "not weighted",),
    )
    return Mismatch(
        *(
            picture.decode_index,
            picture.kind,
            picture.poc,
            x4,
            y4,
            what,
            str(expected),
            str(got),
            block,
        )
    )
