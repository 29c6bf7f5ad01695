"""Draws parameter sets of HEVC from options, and brings them within what the standard allows.

Options are dictionaries of syntax elements; where a value is a list, one of its entries is drawn.
"""

from streamwriter.hevc.parameter_sets import picture_parameters, sequence_parameters
from streamwriter.hevc.rps import ordered

_COEFFICIENTS = (16, 64, 64, 64)  # by sizeId; larger blocks repeat them


def draw(random, options):
    """The options with every list replaced by one of its entries."""
    drawn = {}
    for name, value in sorted(options.items()):
        if isinstance(value, list):
            value = value[random.randint(0, len(value))]
        drawn[name] = value
    return drawn


def draw_sps(random, options):
    """options: syntax elements, and `rps` and `long_term`: how many sets and pictures the SPS lists; `scaling`: True
    for scaling_list_data."""
    drawn = draw(random, options)
    sets, long_term = drawn.pop("rps", 0), drawn.pop("long_term", 0)
    scaling = drawn.pop("scaling", False)
    sps = sequence_parameters(**drawn)
    if scaling:
        sps.scaling_list_data = random_scaling_lists(random)
    _fit_block_sizes(sps)
    _fit_pcm(sps)
    sps.short_term_ref_pic_sets = _random_sets(
        random, sets, sps.sps_max_dec_pic_buffering_minus1 - sps.sps_max_num_reorder_pics
    )
    max_lsb = 1 << (sps.log2_max_pic_order_cnt_lsb_minus4 + 4)
    sps.lt_ref_pics_sps = tuple(
        (int(random.randint(0, max_lsb)), int(random.randint(0, 2))) for _ in range(long_term)
    )
    return sps


def _fit_block_sizes(sps):
    """7.4.3.2.1: relations between the sizes of blocks, and the picture in whole coding blocks."""
    min_cb = sps.log2_min_luma_coding_block_size_minus3 + 3
    grow = sps.log2_diff_max_min_luma_coding_block_size
    grow = sps.log2_diff_max_min_luma_coding_block_size = min(max(grow, 4 - min_cb), 6 - min_cb)
    min_tb = min(sps.log2_min_luma_transform_block_size_minus2 + 2, min_cb - 1, 5)
    sps.log2_min_luma_transform_block_size_minus2 = min_tb - 2
    sps.log2_diff_max_min_luma_transform_block_size = min(
        sps.log2_diff_max_min_luma_transform_block_size, min(min_cb + grow, 5) - min_tb
    )
    most_depth = min_cb + grow - min_tb
    for name in ("max_transform_hierarchy_depth_inter", "max_transform_hierarchy_depth_intra"):
        setattr(sps, name, min(getattr(sps, name), most_depth))
    for name in ("pic_width_in_luma_samples", "pic_height_in_luma_samples"):
        setattr(sps, name, -(-getattr(sps, name) >> min_cb) << min_cb)


def _fit_pcm(sps):
    min_cb = sps.log2_min_luma_coding_block_size_minus3 + 3
    ctb = min_cb + sps.log2_diff_max_min_luma_coding_block_size
    smallest = sps.log2_min_pcm_luma_coding_block_size_minus3 + 3
    smallest = min(max(smallest, min(min_cb, 5)), min(ctb, 5))
    sps.log2_min_pcm_luma_coding_block_size_minus3 = smallest - 3
    grow = sps.log2_diff_max_min_pcm_luma_coding_block_size
    sps.log2_diff_max_min_pcm_luma_coding_block_size = min(grow, min(ctb, 5) - smallest)
    for name, depth in (
        ("luma", sps.bit_depth_luma_minus8),
        ("chroma", sps.bit_depth_chroma_minus8),
    ):
        name = f"pcm_sample_bit_depth_{name}_minus1"
        setattr(sps, name, min(getattr(sps, name), depth + 7))


def _random_sets(random, count, most):
    """Sets of near pictures; about half of them come from the set before, as inter prediction would make them."""
    sets = []
    for _ in range(count):
        deltas = [delta for delta in range(-5, 4) if delta and random.rand() < 0.3]
        if sets and random.rand() < 0.5:
            shift = int(random.choice([-2, -1, 1]))
            deltas = [delta + shift for delta, _ in sets[-1] + ((0, 1),)]
            deltas = [delta for delta in deltas if delta and random.rand() < 0.8]
        deltas = sorted(deltas, key=abs)[:most]
        sets.append(ordered((delta, bool(random.rand() < 0.8)) for delta in deltas))
    return tuple(sets)


def draw_pps(random, options, pps_id, sps, layout_of):
    """options: syntax elements, and `tiles`: (columns, rows, whether uniform), as far as the picture has so many
    blocks; `scaling`: True for scaling_list_data. layout_of: makes a layout.Layout of an SPS and a PPS."""
    drawn = draw(random, options)
    tiles, scaling = drawn.pop("tiles", None), drawn.pop("scaling", False)
    pps = picture_parameters(
        pps_pic_parameter_set_id=pps_id,
        pps_seq_parameter_set_id=sps.sps_seq_parameter_set_id,
        **drawn,
    )
    if scaling and sps.scaling_list_enabled_flag:
        pps.scaling_list_data = random_scaling_lists(random)
    layout = layout_of(sps, pps)
    # FFmpeg predicts 4x4 blocks otherwise than 8.4.4.2.2 where the smallest prediction block is larger.
    pps.constrained_intra_pred_flag = int(
        pps.constrained_intra_pred_flag and layout.min_cb_log2 == 3
    )
    pps.diff_cu_qp_delta_depth = min(
        pps.diff_cu_qp_delta_depth, sps.log2_diff_max_min_luma_coding_block_size
    )
    pps.diff_cu_chroma_qp_offset_depth = min(
        pps.diff_cu_chroma_qp_offset_depth, sps.log2_diff_max_min_luma_coding_block_size
    )
    pps.log2_parallel_merge_level_minus2 = min(
        pps.log2_parallel_merge_level_minus2, layout.ctb_log2 - 2
    )
    if tiles is not None:
        _set_tiles(random, pps, tiles, layout)
    return pps


def _set_tiles(random, pps, tiles, layout):
    columns, rows, is_uniform = tiles
    columns, rows = min(columns, layout.ctbs_wide), min(rows, layout.ctbs_high)
    if columns * rows == 1:
        return
    pps.tiles_enabled_flag = 1
    pps.num_tile_columns_minus1, pps.num_tile_rows_minus1 = columns - 1, rows - 1
    if not is_uniform:
        pps.column_widths = _random_sizes(random, layout.ctbs_wide, columns)
        pps.row_heights = _random_sizes(random, layout.ctbs_high, rows)


def _random_sizes(random, total, count):
    """Sizes of all tiles but the last."""
    bounds = sorted(random.choice(range(1, total), count - 1, replace=False).tolist())
    return [end - start for start, end in zip([0] + bounds, bounds)]


def random_scaling_lists(random):
    """Entries for parameter_sets.write_scaling_lists: default, predicted and explicit lists."""
    data = []
    for size_id, count in enumerate(_COEFFICIENTS):
        for number in range(6 if size_id < 3 else 2):
            kind = random.rand()
            if kind < 0.2:
                data.append(0)  # the default list
            elif kind < 0.45 and number:
                data.append(int(random.randint(1, number + 1)))
            else:
                top = 256 if kind > 0.9 else 33
                dc = int(random.randint(1, top)) - 8 if size_id > 1 else None
                data.append((dc, random.randint(1, top, count).tolist()))
    return data
