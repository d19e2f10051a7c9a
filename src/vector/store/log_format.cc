#include "store/log_format.h"

#include <cstring>

#include "assay/core/hash.h"

namespace assay::vector::internal {
namespace {

constexpr std::size_t kAlignBytes = 8;

std::unexpected<Error> Damaged() {
  return Fail(Code::kDataLoss, "a commit does not have its form");
}

}  // namespace

void AppendChange(std::uint64_t id, const StoredRow& row, std::string& payload) {
  const ChangeHeader header{.id = id,
                            .size_bytes = static_cast<std::uint32_t>(row.bytes.size()),
                            .crc = core::Crc32c(row.bytes),
                            .form = row.form,
                            .reserved = {}};
  payload.append(reinterpret_cast<const char*>(&header), sizeof(header));
  payload += row.bytes;
  payload.resize((payload.size() + kAlignBytes - 1) / kAlignBytes * kAlignBytes, '\0');
}

Result<CommitHeader> ReadCommit(std::string_view payload,
                                const std::function<void(const LoggedChange&)>& on_change) {
  CommitHeader header{};
  if (payload.size() < sizeof(header)) return Damaged();
  std::memcpy(&header, payload.data(), sizeof(header));
  std::uint64_t at = sizeof(header);
  for (std::uint32_t i = 0; i < header.changes; ++i) {
    ChangeHeader change{};
    if (payload.size() - at < sizeof(change)) return Damaged();
    std::memcpy(&change, payload.data() + at, sizeof(change));
    at += sizeof(change);
    const std::uint64_t padded =
        (std::uint64_t{change.size_bytes} + kAlignBytes - 1) / kAlignBytes * kAlignBytes;
    if (payload.size() - at < padded || change.form > RowForm::kPackedDelta) return Damaged();
    on_change({.id = change.id,
               .form = change.form,
               .size_bytes = change.size_bytes,
               .crc = change.crc,
               .offset = at});
    at += padded;
  }
  return at == payload.size() ? Result<CommitHeader>(header) : Damaged();
}

}  // namespace assay::vector::internal
