#include "h264/macroblock.h"

namespace attp {
namespace h264 {
namespace {

constexpr MbInfo unavailable(uint32_t cbf) {
    MbInfo info;
    info.cbf = cbf;
    info.cbp = 0x0f;  // condTermFlagN is 0 for luma and for chroma
    return info;
}

}  // namespace

constexpr MbInfo kUnavailableForIntra = unavailable(kAllCoded);
constexpr MbInfo kUnavailableForInter = unavailable(0);

const InterType kPTypes[5] = {
    {Shape::k16x16, {kPredL0, kPredNone}}, {Shape::k16x8, {kPredL0, kPredL0}},    {Shape::k8x16, {kPredL0, kPredL0}},
    {Shape::k8x8, {kPredNone, kPredNone}}, {Shape::k8x8, {kPredNone, kPredNone}},
};

const InterType kBTypes[23] = {
    {Shape::k16x16, {kPredNone, kPredNone}},  // B_Direct_16x16
    {Shape::k16x16, {kPredL0, kPredNone}},   {Shape::k16x16, {kPredL1, kPredNone}},
    {Shape::k16x16, {kPredBi, kPredNone}},   {Shape::k16x8, {kPredL0, kPredL0}},
    {Shape::k8x16, {kPredL0, kPredL0}},      {Shape::k16x8, {kPredL1, kPredL1}},
    {Shape::k8x16, {kPredL1, kPredL1}},      {Shape::k16x8, {kPredL0, kPredL1}},
    {Shape::k8x16, {kPredL0, kPredL1}},      {Shape::k16x8, {kPredL1, kPredL0}},
    {Shape::k8x16, {kPredL1, kPredL0}},      {Shape::k16x8, {kPredL0, kPredBi}},
    {Shape::k8x16, {kPredL0, kPredBi}},      {Shape::k16x8, {kPredL1, kPredBi}},
    {Shape::k8x16, {kPredL1, kPredBi}},      {Shape::k16x8, {kPredBi, kPredL0}},
    {Shape::k8x16, {kPredBi, kPredL0}},      {Shape::k16x8, {kPredBi, kPredL1}},
    {Shape::k8x16, {kPredBi, kPredL1}},      {Shape::k16x8, {kPredBi, kPredBi}},
    {Shape::k8x16, {kPredBi, kPredBi}},      {Shape::k8x8, {kPredNone, kPredNone}},
};

const SubType kPSubTypes[4] = {{kPredL0, 2, 2}, {kPredL0, 2, 1}, {kPredL0, 1, 2}, {kPredL0, 1, 1}};

const SubType kBSubTypes[13] = {
    {kPredNone, 1, 1}, {kPredL0, 2, 2}, {kPredL1, 2, 2}, {kPredBi, 2, 2}, {kPredL0, 2, 1},
    {kPredL0, 1, 2},   {kPredL1, 2, 1}, {kPredL1, 1, 2}, {kPredBi, 2, 1}, {kPredBi, 1, 2},
    {kPredL0, 1, 1},   {kPredL1, 1, 1}, {kPredBi, 1, 1},
};

const uint8_t kBlockRaster[16] = {0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15};

}  // namespace h264
}  // namespace attp
