// Reads arbitrary bytes as what lies in a cache folder. The first byte says as what: a segment, a
// checkpoint, or the payload of a record.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "disk/checkpoint.h"
#include "disk/format.h"
#include "payload/payload.h"

namespace {

using namespace assay;         // NOLINT: a fuzz target is a file of its own
using namespace assay::cache;  // NOLINT

class BytesFile final : public core::ReadableFile {
 public:
  explicit BytesFile(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] Result<std::size_t> ReadAt(std::uint64_t offset,
                                           std::span<char> into) const override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const std::string_view rest = bytes_.substr(static_cast<std::size_t>(offset));
    return rest.copy(into.data(), into.size());
  }

 private:
  std::string_view bytes_;
};

void Require(bool holds) {
  if (!holds) std::abort();
}

// Records and bad stretches must cover the file in order, without gaps.
void ReadSegment(std::string_view bytes) {
  static_cast<void>(disk::ParseSegmentHeader(bytes, "input"));
  const std::uint64_t begin = std::min<std::uint64_t>(bytes.size(), sizeof(disk::SegmentHeader));
  std::uint64_t at = begin;
  std::uint64_t sequence = 0;
  const auto report = disk::ScanSegment(
      BytesFile(bytes), bytes.size(), 1, begin, 1,
      [&](const disk::RecordHeader& header, std::uint64_t offset) {
        Require(offset == at && header.sequence > sequence);
        sequence = header.sequence;
        at += disk::RecordBytes(header.payload_bytes);
        Require(at <= bytes.size());
      },
      [&](const disk::BadStretch& bad) {
        Require(bad.offset == at && bad.size_bytes > 0);
        at += bad.size_bytes;
      });
  Require(report.has_value() && at == bytes.size());
}

void ReadCheckpoint(const std::string& bytes) {
  disk::Index index;
  if (!disk::ParseCheckpoint(bytes, "input", index)) {
    Require(index.size() == 0);
    return;
  }
  std::size_t items = 0;
  for (std::size_t shard = 0; shard < disk::Index::kShards; ++shard) {
    for (const disk::Item& item : index.CopyShard(shard)) {
      Require(index.Find(item.key, true).has_value());
      ++items;
    }
  }
  Require(items == index.size());
  static_cast<void>(index.EraseWhere([](const disk::Item&) { return true; }));
  Require(index.size() == 0);
}

void ReadPayload(std::string_view bytes) {
  Key key;
  if (bytes.size() < sizeof(key)) return;
  std::memcpy(&key, bytes.data(), sizeof(key));
  bytes.remove_prefix(sizeof(key));
  const auto entry = PayloadCodec(SIZE_MAX, nullptr).Read(key, bytes);
  Require(!entry || (*entry)->key() == key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      ReadSegment(bytes);
      break;
    case 1:
      ReadCheckpoint(bytes);
      break;
    default:
      ReadPayload(bytes);
  }
  return 0;
}
