#include "disk/checkpoint.h"

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "assay/core/format/bytes.h"
#include "assay/core/hash.h"
#include "assay/core/parallel.h"

namespace assay::cache::disk {
namespace {

constexpr std::array<char, 8> kMagic = {'A', 'S', 'S', 'A', 'Y', 'C', 'K', 'P'};
constexpr std::uint16_t kVersion = 1;

struct Header {
  std::array<char, 8> magic;
  std::uint32_t byte_order;
  std::uint16_t version;
  std::uint16_t shards;
  std::uint32_t segment;
  std::uint32_t reserved;  // 0
  std::uint64_t offset;
  std::uint64_t next_sequence;
  std::array<std::uint32_t, 5> reserved2;  // 0
  std::uint32_t crc;                       // of the bytes before it
};
static_assert(sizeof(Header) == 64);

// One for each shard, behind the header; the items follow in the same order.
struct ShardHeader {
  std::uint64_t items;
  std::uint32_t crc;         // of the items' bytes
  std::uint32_t header_crc;  // of the 12 bytes before it
};
static_assert(sizeof(ShardHeader) == 16);

template <typename T>
std::uint32_t CrcBefore(const T& value, std::size_t field) {
  return core::Crc32c(core::BytesOf(value).substr(0, field));
}

std::unexpected<Error> Damaged(const std::string& name, std::string_view why) {
  return Fail(Code::kDataLoss, fmt::format("'{}' is damaged ({})", name, why));
}

Result<Header> ParseHeader(std::string_view bytes, const std::string& name) {
  if (bytes.size() < sizeof(Header)) return Damaged(name, "cut off");
  Header header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kMagic) return Damaged(name, "wrong first bytes");
  if (header.byte_order != kByteOrderMark || header.version != kVersion) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' is of another version or byte order", name));
  }
  if (header.crc != CrcBefore(header, offsetof(Header, crc))) return Damaged(name, "header");
  if (header.shards != Index::kShards) return Damaged(name, "number of shards");
  return header;
}

}  // namespace

Result<void> WriteCheckpoint(core::FileSystem& files, const std::string& path, const Index& index,
                             const LogPlace& place,
                             const std::function<Result<void>()>& before_rename) {
  const std::string temporary = path + ".new";
  const auto write = [&]() -> Result<void> {
    // The shards' heads come first but are known last, so all copies are taken before writing: as
    // much memory as the index for a moment.
    std::array<std::vector<Item>, Index::kShards> copies;
    Header header{};
    header.magic = kMagic;
    header.byte_order = kByteOrderMark;
    header.version = kVersion;
    header.shards = Index::kShards;
    header.segment = place.segment;
    header.offset = place.offset;
    header.next_sequence = place.next_sequence;
    header.crc = CrcBefore(header, offsetof(Header, crc));
    std::string head(core::BytesOf(header));
    for (std::size_t i = 0; i < Index::kShards; ++i) {
      copies[i] = index.CopyShard(i);
      ShardHeader shard{.items = copies[i].size(),
                        .crc = core::Crc32c(core::BytesOfAll(copies[i])),
                        .header_crc = 0};
      shard.header_crc = CrcBefore(shard, offsetof(ShardHeader, header_crc));
      head += core::BytesOf(shard);
    }
    ASSAY_ASSIGN(const std::unique_ptr<core::WritableFile> file, files.Create(temporary));
    ASSAY_TRY(file->Append(head));
    for (const std::vector<Item>& copy : copies) ASSAY_TRY(file->Append(core::BytesOfAll(copy)));
    ASSAY_TRY(before_rename());
    ASSAY_TRY(file->Sync());
    return files.Rename(temporary, path);
  };
  if (Result<void> written = write(); !written) {
    // Best effort: the first error is the one that matters.
    static_cast<void>(files.Remove(temporary));
    return written;
  }
  return files.SyncDirectory(path.substr(0, path.rfind('/')));
}

Result<LogPlace> ParseCheckpoint(std::string_view bytes, const std::string& name, Index& index) {
  ASSAY_ASSIGN(const Header header, ParseHeader(bytes, name));
  constexpr std::size_t kHeads = sizeof(Header) + Index::kShards * sizeof(ShardHeader);
  if (bytes.size() < kHeads) return Damaged(name, "cut off");
  std::array<std::string_view, Index::kShards> parts;
  std::array<std::uint32_t, Index::kShards> crcs{};
  std::string_view rest = bytes.substr(kHeads);
  for (std::size_t i = 0; i < Index::kShards; ++i) {
    ShardHeader shard;
    std::memcpy(&shard, bytes.data() + sizeof(Header) + i * sizeof(shard), sizeof(shard));
    if (shard.header_crc != CrcBefore(shard, offsetof(ShardHeader, header_crc)) ||
        shard.items > rest.size() / sizeof(Item)) {
      return Damaged(name, fmt::format("part {}", i));
    }
    parts[i] = rest.substr(0, static_cast<std::size_t>(shard.items) * sizeof(Item));
    crcs[i] = shard.crc;
    rest.remove_prefix(parts[i].size());
  }
  if (!rest.empty()) return Damaged(name, "bytes behind its end");
  Result<void> loaded =
      core::ParallelTry(Index::kShards, 1, [&](std::size_t begin, std::size_t) -> Result<void> {
        const std::string_view part = parts[begin];
        // Aligned: a mapping begins at a page, and all parts are multiples of 8 bytes.
        const std::span items(reinterpret_cast<const Item*>(part.data()),
                              part.size() / sizeof(Item));
        if (core::Crc32c(part) != crcs[begin] || !index.LoadShard(begin, items)) {
          return Damaged(name, fmt::format("part {}", begin));
        }
        return {};
      });
  if (!loaded) {
    index.Clear();
    return std::unexpected(std::move(loaded).error());
  }
  return LogPlace{
      .segment = header.segment, .offset = header.offset, .next_sequence = header.next_sequence};
}

Result<LogPlace> LoadCheckpoint(core::FileSystem& files, const std::string& path, Index& index) {
  ASSAY_ASSIGN(const std::unique_ptr<core::MappedFile> file, files.Map(path));
  return ParseCheckpoint(file->bytes(), path, index);
}

}  // namespace assay::cache::disk
