// Reads arbitrary bytes as what a miner learned, behind a header that fits: it is refused, or it is
// a miner that goes on and writes itself again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "assay/logs/template_miner.h"

#include "templates/state_file.h"

namespace logs = assay::logs;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)logs::TemplateMiner::Restore(bytes, "state");
  auto miner = logs::TemplateMiner::Restore(logs::templates::SealState({}, bytes), "state");
  if (!miner) return 0;
  miner->Add("a line with 1 value");
  miner->Add("another line, READY");
  for (const logs::MinedTemplate& one : miner->Templates()) {
    if (miner->Resolve(one.id) != one.id) std::abort();
  }
  const std::string again = miner->Serialize();
  if (!logs::TemplateMiner::Restore(again, "state")) std::abort();
  return 0;
}
