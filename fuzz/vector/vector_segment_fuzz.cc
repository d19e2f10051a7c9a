// Whatever the files of a store hold, it opens or says why not; an open one can be read, looked
// back into, written to and compacted.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/hash.h"
#include "assay/core/record_file.h"
#include "assay/vector/vector_store.h"

#include "crash_fs.h"
#include "store/base_file.h"
#include "store/log_format.h"
#include "store/manifest.h"

namespace {

namespace core = assay::core;
namespace internal = assay::vector::internal;
using assay::testing::CrashFs;

constexpr std::size_t kDim = 4;

// A record file with good checksums, its payloads taken from the input: two bytes of size each.
void Write(CrashFs& files, const std::string& path, const core::RecordFileKind& kind,
           std::string_view& input) {
  auto writer = core::RecordWriter::Open(files, path, kind);
  if (!writer) std::abort();
  while (input.size() >= 2) {
    const std::size_t size = static_cast<unsigned char>(input[0]) |
                             (static_cast<std::size_t>(static_cast<unsigned char>(input[1])) << 8U);
    input.remove_prefix(2);
    if (size == 0) break;
    if (!writer->Append(input.substr(0, size))) std::abort();
    input.remove_prefix(std::min(size, input.size()));
  }
}

void Use(assay::vector::VectorStore& store) {
  const auto view = store.View();
  if (view->rows() > 4096) return;
  std::vector<float> all(view->rows() * kDim);
  static_cast<void>(view->Read(0, all).has_value());
  static_cast<void>(store.Log().has_value());
  if (view->version() > 0) static_cast<void>(store.ViewAt(view->version() - 1).has_value());
  const std::vector<float> row(kDim, 0.5F);
  std::vector<float> out(kDim);
  if (!store.Put(7, row) || !store.Get(7, out) || out != row) std::abort();
  static_cast<void>(store.Compact().has_value());
  if (!store.Get(7, out) || out != row) std::abort();
}

}  // namespace

// The first byte: whether there is a base before the log.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  CrashFs files;
  if (!files.MakeDirectories("/v")) std::abort();
  internal::Manifest manifest{.dim = kDim,
                              .encoder = "e",
                              .next_file = 9,
                              .bases = {},
                              .logs = {{.version = 0, .name = "log-1"}}};
  if (data[0] % 2 != 0) {
    manifest.bases.push_back({.version = 1, .name = "base-2"});
    Write(files, "/v/base-2", internal::kBaseKind, input);
  }
  Write(files, "/v/log-1", internal::kLogKind, input);
  if (!internal::SaveManifest(files, "/v", manifest)) std::abort();
  assay::vector::StoreOptions options;
  options.folder = "/v";
  options.background = false;
  const auto store = assay::vector::VectorStore::Open(files, options);
  if (store) Use(**store);
  return 0;
}
