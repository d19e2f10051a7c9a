#include "assay/claims/extractor.h"

#include <algorithm>
#include <utility>

#include "assay/core/parallel.h"

#include "extract/machine_internal.h"

namespace assay::claims {

Extractor::Extractor(ExtractorOptions options) : options_(std::move(options)) {}

Extraction Extractor::Extract(std::string_view answer) const {
  AnswerMachine machine(options_);
  Extraction out;
  machine.Feed(answer, out);
  machine.Finish(out);
  return out;
}

std::vector<Extraction> Extractor::ExtractBatch(std::span<const std::string_view> answers,
                                                unsigned threads) const {
  std::vector<Extraction> results(answers.size());
  // As many ranges as threads, so that no more of them can run at once.
  const std::size_t grain =
      threads == 0 ? 1 : std::max<std::size_t>(1, (answers.size() + threads - 1) / threads);
  core::ParallelFor(answers.size(), grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) results[i] = Extract(answers[i]);
  });
  return results;
}

class ExtractorStream::Machine : public AnswerMachine {
  using AnswerMachine::AnswerMachine;
};

ExtractorStream::ExtractorStream(const Extractor& extractor)
    : machine_(std::make_unique<Machine>(extractor.options())) {}
ExtractorStream::~ExtractorStream() = default;
ExtractorStream::ExtractorStream(ExtractorStream&&) noexcept = default;
ExtractorStream& ExtractorStream::operator=(ExtractorStream&&) noexcept = default;

void ExtractorStream::Feed(std::string_view bytes, Extraction& out) {
  machine_->Feed(bytes, out);
}

void ExtractorStream::Finish(Extraction& out) {
  machine_->Finish(out);
}

}  // namespace assay::claims
