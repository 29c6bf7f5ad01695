#include "h264/slice_groups.h"

#include <algorithm>

namespace attp {
namespace h264 {
namespace {

struct MapSize {
    uint32_t width, height;
    uint32_t size() const { return width * height; }
};

using Map = std::vector<uint8_t>;

// Clause 8.2.2.1.
void interleaved(const Pps& pps, Map* map) {
    uint64_t i = 0;
    while (i < map->size())
        for (int group = 0; group < pps.num_slice_groups && i < map->size(); i += pps.run_length[group++])
            for (uint64_t j = 0; j < pps.run_length[group] && i + j < map->size(); j++)
                (*map)[i + j] = static_cast<uint8_t>(group);
}

// Clause 8.2.2.2.
void dispersed(const Pps& pps, MapSize size, Map* map) {
    uint32_t groups = static_cast<uint32_t>(pps.num_slice_groups);
    for (uint32_t i = 0; i < size.size(); i++)
        (*map)[i] = static_cast<uint8_t>(((i % size.width) + (((i / size.width) * groups) / 2)) % groups);
}

// Clause 8.2.2.3.
void foreground(const Pps& pps, MapSize size, Map* map) {
    std::fill(map->begin(), map->end(), static_cast<uint8_t>(pps.num_slice_groups - 1));
    for (int group = pps.num_slice_groups - 2; group >= 0; group--) {
        uint32_t top_left = pps.top_left[group], bottom_right = pps.bottom_right[group];
        if (bottom_right >= size.size() || top_left > bottom_right) continue;
        for (uint32_t y = top_left / size.width; y <= bottom_right / size.width; y++)
            for (uint32_t x = top_left % size.width; x <= bottom_right % size.width; x++)
                (*map)[y * size.width + x] = static_cast<uint8_t>(group);
    }
}

// Clause 8.2.2.4.
void box_out(bool direction, uint32_t units_in_group_0, MapSize size, Map* map) {
    std::fill(map->begin(), map->end(), uint8_t{1});
    int dir = direction ? 1 : 0;
    int width = static_cast<int>(size.width), height = static_cast<int>(size.height);
    int x = (width - dir) / 2, y = (height - dir) / 2;
    int left = x, right = x, top = y, bottom = y;
    int x_dir = dir - 1, y_dir = dir;
    uint32_t k = 0;
    while (k < units_in_group_0) {
        uint8_t& unit = (*map)[static_cast<size_t>(y * width + x)];
        k += unit == 1;
        unit = 0;
        if (x_dir == -1 && x == left) {
            left = std::max(left - 1, 0);
            x = left;
            x_dir = 0;
            y_dir = 2 * dir - 1;
        } else if (x_dir == 1 && x == right) {
            right = std::min(right + 1, width - 1);
            x = right;
            x_dir = 0;
            y_dir = 1 - 2 * dir;
        } else if (y_dir == -1 && y == top) {
            top = std::max(top - 1, 0);
            y = top;
            x_dir = 1 - 2 * dir;
            y_dir = 0;
        } else if (y_dir == 1 && y == bottom) {
            bottom = std::min(bottom + 1, height - 1);
            y = bottom;
            x_dir = 2 * dir - 1;
            y_dir = 0;
        } else {
            x += x_dir;
            y += y_dir;
        }
    }
}

// Clauses 8.2.2.5 and 8.2.2.6.
void raster(bool direction, uint32_t size_of_upper_left_group, Map* map) {
    for (size_t i = 0; i < map->size(); i++) (*map)[i] = (i < size_of_upper_left_group) == direction;
}
void wipe(bool direction, uint32_t size_of_upper_left_group, MapSize size, Map* map) {
    uint32_t k = 0;
    for (uint32_t x = 0; x < size.width; x++)
        for (uint32_t y = 0; y < size.height; y++)
            (*map)[y * size.width + x] = (k++ < size_of_upper_left_group) == direction;
}

Map map_units(const SliceHeader& h, MapSize size) {
    const Pps& pps = *h.pps;
    Map map(size.size(), 0);
    bool direction = pps.slice_group_change_direction_flag;
    uint32_t units = static_cast<uint32_t>(
        std::min<uint64_t>(uint64_t{h.slice_group_change_cycle} * pps.slice_group_change_rate, size.size()));
    uint32_t upper_left = direction ? size.size() - units : units;
    switch (pps.slice_group_map_type) {
        case 0:
            interleaved(pps, &map);
            break;
        case 1:
            dispersed(pps, size, &map);
            break;
        case 2:
            foreground(pps, size, &map);
            break;
        case 3:
            box_out(direction, units, size, &map);
            break;
        case 4:
            raster(direction, upper_left, &map);
            break;
        case 5:
            wipe(direction, upper_left, size, &map);
            break;
        default:
            for (size_t i = 0; i < map.size() && i < pps.slice_group_id.size(); i++) map[i] = pps.slice_group_id[i];
    }
    return map;
}

}  // namespace

std::vector<uint8_t> make_slice_group_map(const SliceHeader& h) {
    if (h.pps->num_slice_groups == 1) return {};
    const Sps& sps = *h.sps;
    MapSize size = {static_cast<uint32_t>(sps.pic_width_in_mbs), static_cast<uint32_t>(sps.pic_height_in_map_units)};
    Map units = map_units(h, size);
    if (sps.frame_mbs_only_flag) return units;
    // Clause 8.2.2.8: a map unit is a pair of rows in frames of a stream that may be interlaced.
    Map map(static_cast<size_t>(sps.pic_width_in_mbs) * static_cast<size_t>(sps.height_in_mbs()));
    for (size_t i = 0; i < map.size(); i++) map[i] = units[(i / (2 * size.width)) * size.width + i % size.width];
    return map;
}

}  // namespace h264
}  // namespace attp
