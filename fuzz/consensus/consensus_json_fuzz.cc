// Questions of any bytes: parsed or refused with a message, and what is parsed merges or is
// refused, the same way in both orders of the answers.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "assay/consensus/json.h"

namespace {

constexpr std::size_t kMaxBytes = 8192;  // claims are compared in pairs

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::consensus;
  const std::string_view text(reinterpret_cast<const char*>(data), std::min(size, kMaxBytes));
  const auto questions = ParseQuestions(text);
  if (!questions) {
    Require(!questions.error().message.empty());
    return 0;
  }
  for (const Question& question : *questions) {
    const auto merger = Merger::Create(question.options, nullptr);
    if (!merger) continue;
    std::vector<ExpertAnswer> answers = question.Views();
    const auto one = merger->Merge(answers);
    std::ranges::reverse(answers);
    const auto other = merger->Merge(answers);
    Require(one.has_value() == other.has_value());
    if (!one) continue;
    Require(one->answer == other->answer && one->confidence == other->confidence);
    Require(one->confidence >= 0 && one->confidence <= 1 + 1e-9);
    Require(!ToJson(*one, question.Views()).empty());
  }
  return 0;
}
