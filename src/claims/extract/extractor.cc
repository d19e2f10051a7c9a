#include "assay/claims/extractor.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "extract/machine_internal.h"

namespace assay::claims {

Extractor::Extractor(ExtractorOptions options) : options_(options) {}

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
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t workers = std::min<std::size_t>(threads, answers.size());
  // Taken one by one: answers differ much in length. Partner: the joins at the end of the scope.
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (;;) {
      const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= answers.size()) return;
      results[i] = Extract(answers[i]);
    }
  };
  std::vector<std::jthread> pool;
  for (std::size_t i = 1; i < workers; ++i) pool.emplace_back(work);
  work();
  pool.clear();
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
