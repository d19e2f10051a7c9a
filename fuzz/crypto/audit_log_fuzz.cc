// An audit log of any bytes is read without harm; the checker finds its first broken record, or
// says that there is none.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

#include "assay/crypto/audit_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using assay::crypto::AuditLog;
  static const assay::crypto::KeyRing ring = assay::crypto::KeyRing::Generate();
  const int file = ::memfd_create("audit", MFD_CLOEXEC);
  if (file < 0 || ::write(file, data, size) != static_cast<ssize_t>(size)) std::abort();
  const assay::crypto::AuditOptions options = {
      .path = "/proc/self/fd/" + std::to_string(file), .files = nullptr, .clock = nullptr};
  const auto report = AuditLog::Verify(options, ring);
  std::uint64_t listed = 0;
  static_cast<void>(AuditLog::ForEach(options, [&](const assay::crypto::AuditRecord&) {
    ++listed;
    return true;
  }));
  ::close(file);
  // Nobody has the key of this process, so no record is genuine.
  if (!report || report->records > 0 || (listed > 0 && !report->broken)) std::abort();
  return 0;
}
