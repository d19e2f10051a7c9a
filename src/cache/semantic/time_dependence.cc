#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "assay/cache/semantic/semantic_cache.h"
#include "assay/text/segment.h"

#include "semantic/facts/lexicon_internal.h"

namespace assay::cache {

std::string TimeDependence(std::string_view question) {
  constexpr std::array<std::string_view, 15> kWords = {
      "today",  "tonight",  "tomorrow", "yesterday", "now",     "currently", "latest",    "newest",
      "recent", "recently", "nowadays", "today's",   "current", "upcoming",  "tomorrow's"};
  constexpr std::array<std::string_view, 7> kUnits = {"week",    "month",   "year",   "morning",
                                                      "evening", "weekend", "quarter"};
  std::vector<text::Span> spans;
  text::SplitWords(question, spans);
  std::string before;
  for (const text::Span span : spans) {
    const std::string lower = internal::LowerCase(span.of(question));
    if (std::ranges::find(kWords, lower) != kWords.end()) {
      return fmt::format("\"{}\": the answer depends on when it is asked", lower);
    }
    const bool relative = before == "this" || before == "next" || before == "last" ||
                          before == "past" || before == "coming";
    if (relative && std::ranges::find(kUnits, lower) != kUnits.end()) {
      return fmt::format("\"{} {}\": the answer depends on when it is asked", before, lower);
    }
    before = lower;
  }
  return "";
}

}  // namespace assay::cache
