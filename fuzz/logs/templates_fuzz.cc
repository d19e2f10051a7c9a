// Mines arbitrary lines, with and without masks and few templates: every line is counted once,
// every id is known or forgotten, the state comes back as it was, and the kernels agree with their
// twin.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "assay/logs/template_miner.h"

#include "templates/byte_masks.h"

namespace logs = assay::logs;

namespace {

void Must(bool condition) {
  if (!condition) std::abort();
}

void CheckMasks(std::string_view text) {
  logs::templates::ByteMasks found, expected;
  logs::templates::FindBytes(text, found);
  logs::templates::FindBytesScalar(text, expected);
  Must(found.delimiter == expected.delimiter && found.digit == expected.digit &&
       found.dots == expected.dots);
}

void Mine(const std::vector<std::string_view>& lines, const logs::MinerOptions& options) {
  auto miner = logs::TemplateMiner::Create(options);
  Must(miner.has_value());
  std::uint64_t forgotten = 0;
  for (const std::string_view line : lines) {
    const std::uint64_t id = miner->Add(line);
    Must(miner->Find(id).has_value());
    for (const logs::MinedTemplate& one : miner->TakeForgotten()) forgotten += one.lines;
    Must(miner->template_count() <= options.max_templates);
  }
  std::uint64_t counted = forgotten;
  for (const logs::MinedTemplate& one : miner->Templates()) counted += one.lines;
  Must(counted == lines.size() && miner->lines() == lines.size());
  const std::string bytes = miner->Serialize();
  const auto restored = logs::TemplateMiner::Restore(bytes, "state", options);
  Must(restored.has_value() && restored->Serialize() == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckMasks(bytes);
  std::vector<std::string_view> lines;
  for (std::size_t begin = 0; begin < size;) {
    const std::size_t end = std::min(bytes.find('\n', begin), size);
    lines.push_back(bytes.substr(begin, end - begin));
    begin = end + 1;
  }
  Mine(lines, {});
  logs::MinerOptions few{.max_templates = 16};
  if (size % 8 == 0) few.masks = {"[a-c]+x", "<\\d+ sec"};  // compiling them costs the most
  Mine(lines, few);
  return 0;
}
