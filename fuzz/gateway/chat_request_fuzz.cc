// Reads arbitrary bytes as a request body. A canonical form that was accepted depends on the
// content alone: reading the same body again gives the same key, and the model is where it says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "openai/request_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::gateway;
  static RequestReader reader;
  std::string body(reinterpret_cast<const char*>(data), size);
  body.reserve(size + 64);
  RequestFacts facts;
  for (const Endpoint endpoint : {Endpoint::kChat, Endpoint::kCompletions, Endpoint::kEmbeddings}) {
    RequestFacts quick;
    const bool scanned = ScanRequest(endpoint, body, 32, quick);
    if (reader.Read(endpoint, body, 32, facts)) {
      if (scanned) std::abort();  // the quick look accepts nothing that is refused here
      continue;
    }
    if (scanned && (quick.model != facts.model || quick.model_offset != facts.model_offset ||
                    quick.stream != facts.stream || quick.stream_usage != facts.stream_usage ||
                    quick.choices != facts.choices || quick.max_tokens != facts.max_tokens ||
                    quick.user != facts.user)) {
      std::abort();
    }
    const assay::core::Hash128 key = reader.Key("t", 1);
    if (facts.model_offset + facts.model_bytes > body.size()) std::abort();
    if (body[facts.model_offset] != '"') std::abort();
    if (body[facts.model_offset + facts.model_bytes - 1] != '"') std::abort();
    std::string spaced = " \n" + body + "\t ";
    spaced.reserve(spaced.size() + 64);
    if (reader.Read(endpoint, spaced, 32, facts) || reader.Key("t", 1) != key) std::abort();
  }
  return 0;
}
