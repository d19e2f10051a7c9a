// Reads arbitrary bytes as an outcome that a client reports, as members that a variant sets, and as
// a record of an experiment's log, which must come back as the same bytes.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "experiments/experiments_json_internal.h"
#include "experiments/store/log_records_internal.h"
#include "openai/edit_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::gateway;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto outcome = ReadOutcome(bytes)) {
    if (outcome->request_id.empty() == outcome->unit.empty()) std::abort();
    for (const auto& [metric, value] : outcome->values) {
      if (!std::isfinite(value)) std::abort();
    }
  }
  if (CheckEditFields(bytes)) {
    RequestEdit edit;
    edit.fields = bytes;
    if (!EditRequest(R"({"model":"m","messages":[]})", Endpoint::kChat, edit)) std::abort();
  }
  RequestEdit edit;
  edit.system = "s";
  edit.temperature = 0;
  (void)EditRequest(bytes, Endpoint::kChat, edit);
  if (const auto record = DecodeLogRecord(bytes)) {
    if (EncodeLogRecord(*record) != bytes) std::abort();
  }
  return 0;
}
