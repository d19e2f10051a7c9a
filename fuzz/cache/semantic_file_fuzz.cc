// Reads arbitrary bytes as a record of a semantic cache's file, and as what was learned; what can
// be read is written again and must be the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "assay/cache/semantic/same_answer.h"

#include "semantic/model/budget_internal.h"
#include "semantic/store/record_internal.h"

using namespace assay;  // NOLINT: a fuzz target is a file of its own

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void ReadLearned(std::string_view bytes) {
  cache::SameAnswerLearner learner({});
  if (learner.Load(bytes)) Require(learner.Save() == bytes);
  cache::internal::BudgetGuard guard(0.01);
  if (guard.Load(bytes)) Require(guard.Save() == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto record = cache::internal::Decode(bytes)) {
    Require(cache::internal::Encode(*record) == bytes);
    if (const auto* learned = std::get_if<cache::internal::LearnedRecord>(&*record)) {
      ReadLearned(learned->learner);
      ReadLearned(learned->guard);
    }
  }
  ReadLearned(bytes);
  return 0;
}
