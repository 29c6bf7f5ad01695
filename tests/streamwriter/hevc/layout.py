"""How HEVC parameter sets divide a picture: coding tree blocks, tiles, and where slice segments may end (6.3, 6.5)."""

import bisect


class Layout:
    """Sizes that follow from an SPS and a PPS, named as in the standard but in this project's spelling.

    ts_of, rs_of: CtbAddrRsToTs and CtbAddrTsToRs; tile: TileId by address in tile scan.
    """

    def __init__(self, sps, pps):
        self.min_cb_log2 = sps.log2_min_luma_coding_block_size_minus3 + 3
        self.ctb_log2 = self.min_cb_log2 + sps.log2_diff_max_min_luma_coding_block_size
        self.min_tb_log2 = sps.log2_min_luma_transform_block_size_minus2 + 2
        self.max_tb_log2 = self.min_tb_log2 + sps.log2_diff_max_min_luma_transform_block_size
        self.width = sps.pic_width_in_luma_samples
        self.height = sps.pic_height_in_luma_samples
        self.has_chroma = sps.chroma_format_idc != 0
        self.ctbs_wide = -(-self.width >> self.ctb_log2)
        self.ctbs_high = -(-self.height >> self.ctb_log2)
        self.ctbs = self.ctbs_wide * self.ctbs_high
        self.syncs = bool(pps.entropy_coding_sync_enabled_flag)
        self._order_ctbs(*self._tile_bounds(pps))

    def _tile_bounds(self, pps):
        """First column of each tile column and first row of each tile row, ends added (6-3, 6-4)."""
        if not pps.tiles_enabled_flag:
            return [0, self.ctbs_wide], [0, self.ctbs_high]
        return (
            _bounds(self.ctbs_wide, pps.num_tile_columns_minus1, pps.column_widths),
            _bounds(self.ctbs_high, pps.num_tile_rows_minus1, pps.row_heights),
        )

    def _order_ctbs(self, columns, rows):
        self.rs_of, self.tile, self.begins_row = [], [], []
        for top, bottom in zip(rows, rows[1:]):
            for left, right in zip(columns, columns[1:]):
                number = self.tile[-1] + 1 if self.tile else 0
                for y in range(top, bottom):
                    for x in range(left, right):
                        self.rs_of.append(y * self.ctbs_wide + x)
                        self.tile.append(number)
                        self.begins_row.append(x == left)
        self.ts_of = [0] * self.ctbs
        for ts, rs in enumerate(self.rs_of):
            self.ts_of[rs] = ts
        self._tile_ends = [ts for ts in range(1, self.ctbs) if self.begins_tile(ts)] + [self.ctbs]
        self._row_ends = [ts for ts in range(1, self.ctbs) if self.begins_row[ts]] + [self.ctbs]

    def begins_tile(self, ts):
        return ts == 0 or self.tile[ts] != self.tile[ts - 1]

    def begins_sub_stream(self, ts):
        """Whether the entropy coder starts again before this coding tree unit, within a slice segment too."""
        return self.begins_tile(ts) or (self.syncs and self.begins_row[ts])

    def at(self, x, y):
        """CtbAddrInRs of a luma sample."""
        return (y >> self.ctb_log2) * self.ctbs_wide + (x >> self.ctb_log2)

    def place(self, ts):
        """Column and row of a coding tree block."""
        rs = self.rs_of[ts]
        return rs % self.ctbs_wide, rs // self.ctbs_wide

    def cut(self, random, begin, end, pieces, in_rows):
        """Cuts [begin, end) of the tile scan into about `pieces` parts that may be slices, or segments of one slice.

        Either all of a part lies in one tile, or it consists of whole tiles (7.4.7.1). in_rows, as wavefronts
        need: a part that does not begin a row ends in that row. Returns the first address of each part.
        """
        starts = [begin]
        while True:
            stop = self._random_end(random, starts[-1], end, (end - begin) // pieces, in_rows)
            if stop >= end:
                return starts
            starts.append(stop)

    def _random_end(self, random, start, end, length, in_rows):
        wanted = start + int(random.randint(1, 2 * max(1, length) + 1))
        tile_end = self._tile_ends[bisect.bisect_right(self._tile_ends, start)]
        if wanted > tile_end:
            if self.begins_tile(start):
                wanted = max(stop for stop in self._tile_ends if stop <= wanted)
            else:
                wanted = tile_end
        if in_rows and not self.begins_row[start]:
            wanted = min(wanted, self._row_ends[bisect.bisect_right(self._row_ends, start)])
        return min(wanted, end)


def _bounds(size, last, sizes):
    """sizes: of all tiles but the last, in coding tree blocks; None for uniform spacing."""
    count = last + 1
    if sizes is None:
        return [k * size // count for k in range(count + 1)]
    bounds = [0]
    for one in sizes:
        bounds.append(bounds[-1] + one)
    return bounds + [size]
