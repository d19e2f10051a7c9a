// Reads arbitrary bytes as an HTTP answer, whole and byte by byte: head and body must be the same,
// and never longer than the input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/traffic/retry_after.h"

#include "upstream/http/response.h"

namespace {

using assay::gateway::BodyDecoder;
using assay::gateway::ResponseHead;

// The body, with a mark of how it ended.
std::string BodyOf(const ResponseHead& head, std::string bytes, std::size_t piece) {
  BodyDecoder decoder(head);
  std::string body;
  std::size_t taken = 0;
  while (taken < bytes.size() && !decoder.done()) {
    const std::size_t count = piece < bytes.size() - taken ? piece : bytes.size() - taken;
    const auto step = decoder.Decode(std::span(bytes).subspan(taken, count));
    if (!step) return "refused";  // how much came before depends on the pieces
    if (step->body_bytes > step->taken || step->taken > count) std::abort();
    if (step->taken < count && !decoder.done()) std::abort();
    body.append(bytes, taken, step->body_bytes);
    taken += step->taken;
  }
  return body + (decoder.done() ? "|done|" : "|more|") + std::to_string(taken);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto head = assay::gateway::ParseResponseHead(bytes);
  for (std::size_t cut = 0; cut < size && cut < 512; ++cut) {
    const auto part = assay::gateway::ParseResponseHead(bytes.substr(0, cut));
    // A head that is refused early is refused whole; one that is read early is read the same.
    if (!part && head) std::abort();
    if (part && *part && (!head || !*head || (*part)->head_bytes != (*head)->head_bytes))
      std::abort();
  }
  if (!head || !*head) return 0;
  if ((*head)->head_bytes > size || (*head)->status < 100 || (*head)->status > 599) std::abort();
  const auto wait_ms = assay::core::ParseRetryAfter((*head)->retry_after, 0);
  if (wait_ms && (*wait_ms < 0 || *wait_ms > assay::core::kMaxRetryAfterMs)) std::abort();
  const std::string rest(bytes.substr((*head)->head_bytes));
  if (BodyOf(**head, rest, rest.size() + 1) != BodyOf(**head, rest, 1)) std::abort();
  return 0;
}
