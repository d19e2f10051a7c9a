// Reads arbitrary bytes as a record file. Every record must lie inside the input, in order, and the
// walk must end with the whole input accounted for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/core/record_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto reader = assay::core::RecordReader::Over(bytes, "input", {.tag = "test", .version = 3});
  if (!reader) return 0;
  std::uint64_t expected = 1;
  while (true) {
    const std::uint64_t begin = reader->offset();
    const auto record = reader->Next();
    if (!record) return 0;
    if (!*record) break;
    const assay::core::Record& found = **record;
    if (found.sequence != expected++ || found.offset != begin) std::abort();
    if (found.payload.data() < bytes.data() + begin ||
        found.payload.data() + found.payload.size() > bytes.data() + size) {
      std::abort();
    }
  }
  const std::uint64_t torn = reader->torn_tail() ? reader->torn_tail()->size_bytes : 0;
  if (reader->offset() + torn != size) std::abort();
  return 0;
}
