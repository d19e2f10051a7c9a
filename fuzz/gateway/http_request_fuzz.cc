// Reads arbitrary bytes as an HTTP request, whole and as they trickle in: the result must be the
// same, and every view must lie inside the bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/request_parser_internal.h"

namespace {

using namespace assay::gateway;

void CheckInside(std::string_view bytes, std::string_view view) {
  if (view.data() == nullptr) return;
  if (view.data() < bytes.data() || view.data() + view.size() > bytes.data() + bytes.size()) {
    std::abort();
  }
}

std::string DecodeInPieces(std::string_view bytes, std::size_t piece, bool& refused) {
  ChunkDecoder decoder;
  std::string body;
  while (!bytes.empty() && !decoder.done() && !decoder.refused()) {
    bytes.remove_prefix(
        decoder.Feed(bytes.substr(0, piece), ParseLimits{.body_bytes = 1 << 12}, body));
  }
  refused = decoder.refused();
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ParseLimits limits{.head_bytes = 4096, .fields = 20, .body_bytes = 1 << 12};
  RequestView whole;
  const HeadResult result = ParseHead(bytes, 0, limits, whole);
  if (result.status == HeadStatus::kComplete) {
    for (const FieldView& field : whole.fields()) {
      CheckInside(bytes, field.name);
      CheckInside(bytes, field.value);
    }
    for (const std::string_view view :
         {whole.method, whole.target, whole.host, whole.traceparent}) {
      CheckInside(bytes, view);
    }
    RequestView again;
    std::size_t searched = 0;
    for (std::size_t seen = 1; seen <= result.head_bytes; ++seen) {
      const HeadResult part = ParseHead(bytes.substr(0, seen), searched, limits, again);
      searched = seen;
      if (part.status == HeadStatus::kNeedMore) continue;
      if (part.status != result.status || part.head_bytes != result.head_bytes) std::abort();
      break;
    }
  }
  bool refused_whole = false;
  bool refused_pieces = false;
  const std::string body = DecodeInPieces(bytes, size + 1, refused_whole);
  const std::string pieces = DecodeInPieces(bytes, 1, refused_pieces);
  if (refused_whole != refused_pieces || (!refused_whole && body != pieces)) std::abort();
  return 0;
}
