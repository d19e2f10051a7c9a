#include "token_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

namespace assay::embed::internal {
namespace {

constexpr std::string_view kMagic = "ASYTOKTB";
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::uint32_t kMaxRows = 1 << 22;  // vocabularies end at about a million
constexpr std::uint32_t kMaxDim = 1 << 14;

struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t byte_order;
  std::uint32_t rows;
  std::uint32_t dim;
  std::uint64_t scales_offset;
  std::uint64_t values_offset;
  char reserved[24];
};
static_assert(sizeof(Header) == 64);

}  // namespace

Result<TokenTable> ReadTokenTable(std::string_view bytes) {
  Header header;
  if (bytes.size() < sizeof(header) || !bytes.starts_with(kMagic)) {
    return Fail(Code::kDataLoss, "not a token table");
  }
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.byte_order != kByteOrder) {
    return Fail(Code::kFailedPrecondition, "a token table of a machine with another byte order");
  }
  if (header.version != kTokenTableVersion) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("a token table of version {}, this program reads version {}",
                            header.version, kTokenTableVersion));
  }
  if (header.rows == 0 || header.rows > kMaxRows || header.dim == 0 || header.dim > kMaxDim) {
    return Fail(Code::kDataLoss,
                fmt::format("a token table of {} rows of {} dimensions", header.rows, header.dim));
  }
  const std::uint64_t scale_bytes = std::uint64_t{header.rows} * sizeof(float);
  const std::uint64_t value_bytes = std::uint64_t{header.rows} * header.dim;
  if (header.scales_offset < sizeof(header) || header.scales_offset % alignof(float) != 0 ||
      header.scales_offset > bytes.size() || header.values_offset > bytes.size() ||
      header.values_offset < header.scales_offset + scale_bytes ||
      bytes.size() - header.values_offset != value_bytes) {
    return Fail(Code::kDataLoss, "a token table whose parts do not fit its size");
  }
  TokenTable table{header.rows, header.dim, {}, {}};
  table.scales = {reinterpret_cast<const float*>(bytes.data() + header.scales_offset), table.rows};
  table.values = {reinterpret_cast<const std::int8_t*>(bytes.data() + header.values_offset),
                  table.rows * table.dim};
  if (!std::ranges::all_of(table.scales, [](float s) { return std::isfinite(s) && s >= 0; })) {
    return Fail(Code::kDataLoss, "a token table with a scale that is no number");
  }
  return table;
}

}  // namespace assay::embed::internal
