// store/log_format.h: the payload of a commit's record. Format: docs/formats/vector-store.md.
// Room: vector, private.  Threads: pure functions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/record_file.h"
#include "assay/core/result.h"

#include "store/row/delta.h"

namespace assay::vector::internal {

inline constexpr core::RecordFileKind kLogKind = {.tag = "veclog", .version = 1};

struct CommitHeader {
  std::uint64_t version;
  std::int64_t time_ms;
  std::uint64_t restored;      // by a rollback: the version it went back to; 0 otherwise
  std::uint64_t base_version;  // that differences are against; 0: there are none
  std::uint32_t changes;
  std::uint32_t reserved;  // 0
};
static_assert(sizeof(CommitHeader) == 40);

struct ChangeHeader {
  std::uint64_t id;
  std::uint32_t size_bytes;  // of the stored row behind it, without its padding to 8 bytes
  std::uint32_t crc;         // CRC-32C of those bytes
  RowForm form;
  std::uint8_t reserved[7];  // 0
};
static_assert(sizeof(ChangeHeader) == 24);

// Adds a change behind a commit's header and the changes before it.
void AppendChange(std::uint64_t id, const StoredRow& row, std::string& payload);

// A change as read. `offset` is that of the stored row in the payload.
struct LoggedChange {
  std::uint64_t id = 0;
  RowForm form = RowForm::kErased;
  std::uint32_t size_bytes = 0;
  std::uint32_t crc = 0;
  std::uint64_t offset = 0;
};

// Calls for each change of a payload. Errors: kDataLoss.
[[nodiscard]] Result<CommitHeader> ReadCommit(
    std::string_view payload, const std::function<void(const LoggedChange&)>& on_change);

}  // namespace assay::vector::internal
