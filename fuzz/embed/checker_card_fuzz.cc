// Reads arbitrary bytes as a checker.yaml: what is taken keeps within its limits, what is refused
// names the file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/embed/cross/card.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::embed;
  if (size > 4096) return 0;  // a card is a few lines; longer input only slows the search
  const auto card = ParseCard({reinterpret_cast<const char*>(data), size}, "f");
  if (!card) {
    if (card.error().message.find("f:") == std::string_view::npos) std::abort();
    return 0;
  }
  const auto is_share = [](float value) { return value >= 0.0099F && value <= 100; };
  if (card->name.empty() || card->ids.empty() || card->mask.empty()) std::abort();
  if (card->max_tokens < 16 || card->max_tokens > 8192) std::abort();
  if (!card->relation && !card->tokens && !card->pair) std::abort();
  if (card->relation &&
      (card->relation->classes.size() < 2 || !is_share(card->relation->temperature))) {
    std::abort();
  }
  if (card->tokens && !(card->tokens->threshold >= 0 && card->tokens->threshold <= 1)) std::abort();
  return 0;
}
