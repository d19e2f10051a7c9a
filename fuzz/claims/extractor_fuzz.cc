// Any bytes: extraction ends, spans are ordered and inside, and a stream cut at places that the
// input itself chooses gives the same as the whole.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/claims/extractor.h"

namespace {

using assay::claims::Extraction;

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckSpans(const Extraction& all, std::string_view text) {
  std::uint32_t end = 0;
  for (const auto& sentence : all) {
    Check(sentence.span.begin >= end && sentence.span.begin <= sentence.span.end);
    end = sentence.span.end;
    for (const auto& claim : sentence.claims) {
      Check(claim.span.begin >= sentence.span.begin && claim.span.end <= sentence.span.end);
      Check(!claim.text.empty());
    }
  }
  Check(end <= text.size());
}

void CheckEqual(const Extraction& a, const Extraction& b) {
  Check(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    Check(a[i].span == b[i].span && a[i].kind == b[i].kind);
    Check(a[i].claims.size() == b[i].claims.size());
    for (std::size_t k = 0; k < a[i].claims.size(); ++k) {
      Check(a[i].claims[k].text == b[i].claims[k].text);
      Check(a[i].claims[k].span == b[i].claims[k].span);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Longer input adds time, not paths: the machine works sentence by sentence.
  if (size > 8192) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const assay::claims::Extractor extractor;
  const Extraction whole = extractor.Extract(text);
  CheckSpans(whole, text);
  assay::claims::ExtractorStream stream(extractor);
  Extraction streamed;
  for (std::size_t at = 0; at < size;) {
    const std::size_t step = 1 + data[at] % 17U;
    stream.Feed(text.substr(at, step), streamed);
    at += step;
  }
  stream.Finish(streamed);
  CheckEqual(whole, streamed);
  return 0;
}
