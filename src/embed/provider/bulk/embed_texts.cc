#include "assay/embed/embed_texts.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "provider/bulk/batch_plan.h"

namespace assay::embed {
namespace {

constexpr std::size_t kRowsPerSync = 256;  // how many a power failure may cost
constexpr double kMillion = 1e6;

std::string NameOf(const EmbedOptions& options, std::size_t text) {
  return options.name_of ? options.name_of(text) : fmt::format("text {}", text + 1);
}

// What is to be done: distinct texts that no cache has, in calls.
struct Work {
  std::vector<core::Hash128> keys;          // one a text
  std::vector<std::size_t> first;           // of each text: the first one that is equal to it
  std::vector<std::size_t> equals;          // of each first text: how many are equal, itself too
  std::vector<std::size_t> missing;         // first texts without a vector
  std::vector<std::size_t> missing_tokens;  // by the counter
  std::vector<internal::Batch> batches;     // of `missing`
};

Result<void> FindFirsts(const ProviderInfo& info, std::span<const std::string_view> texts,
                        const EmbedOptions& options, Work& work) {
  std::unordered_map<core::Hash128, std::size_t> seen;
  work.equals.resize(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{}: the text is empty; leave it out", NameOf(options, i)));
    }
    work.keys.push_back(EmbeddingKey(info.name, texts[i]));
    const auto [place, fresh] = seen.try_emplace(work.keys.back(), i);
    work.first.push_back(place->second);
    ++work.equals[place->second];
  }
  return {};
}

// `row_of(text)` gives the place of a text's vector.
template <typename RowOf>
Result<Work> PlanWork(const ProviderInfo& info, std::span<const std::string_view> texts,
                      const EmbedOptions& options, EmbedProgress& progress, RowOf&& row_of) {
  for (const EmbeddingCache* cache : options.caches) {
    if (cache->dim() != info.dim) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("a cache of {} dimensions for {}, which has {}", cache->dim(),
                              info.name, info.dim));
    }
  }
  Work work;
  ASSAY_TRY(FindFirsts(info, texts, options, work));
  const std::unique_ptr<TokenCounter> own = options.counter ? nullptr : CountBytesByFour();
  const TokenCounter& counter = options.counter ? *options.counter : *own;
  progress.texts = texts.size();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (work.first[i] != i) continue;
    const bool cached = std::ranges::any_of(
        options.caches, [&](EmbeddingCache* cache) { return cache->Get(work.keys[i], row_of(i)); });
    if (cached) {
      ++progress.from_cache;
      progress.repeated += work.equals[i] - 1;
      progress.done += work.equals[i];
    } else {
      work.missing.push_back(i);
      work.missing_tokens.push_back(counter.Count(texts[i]));
    }
  }
  work.batches = internal::PlanBatches(work.missing_tokens, info.limits);
  return work;
}

class Job {
 public:
  Job(Provider& provider, std::span<const std::string_view> texts, std::span<float> out,
      const EmbedOptions& options, const Work& work, EmbedProgress& progress)
      : provider_(provider),
        texts_(texts),
        out_(out),
        dim_(provider.info().dim),
        options_(options),
        work_(work),
        progress_(progress),
        forward_(options.context.stop, [this] { stop_.request_stop(); }) {}

  Result<void> Run() {
    if (options_.progress) options_.progress(progress_);
    const std::size_t threads = std::min(
        std::max<std::size_t>(1, provider_.info().limits.parallel_calls), work_.batches.size());
    {
      std::vector<std::jthread> others;
      for (std::size_t i = 1; i < threads; ++i) others.emplace_back([this] { WorkOff(); });
      WorkOff();
    }
    for (EmbeddingCache* cache : options_.caches) KeepError(cache->Sync());
    if (error_) return std::unexpected(*std::move(error_));
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      if (work_.first[i] != i) std::ranges::copy(Row(work_.first[i]), Row(i).begin());
    }
    return {};
  }

 private:
  [[nodiscard]] std::span<float> Row(std::size_t text) const {
    return out_.subspan(text * dim_, dim_);
  }

  void KeepError(Result<void> result) {
    if (!result && !error_) error_ = std::move(result).error();
  }

  void WorkOff() {
    while (const internal::Batch* batch = Next()) {
      std::vector<std::string_view> texts;
      for (std::size_t i = batch->begin; i < batch->end; ++i)
        texts.push_back(texts_[work_.missing[i]]);
      std::vector<float> rows(texts.size() * dim_);
      CallNotes notes;
      CallContext context = options_.context;
      context.stop = stop_.get_token();
      const Result<void> done = provider_.Embed(texts, rows, context, notes);
      const std::scoped_lock lock(mutex_);
      progress_.requests += notes.requests;
      if (done) {
        Deliver(*batch, rows, notes);
      } else {
        KeepError(Fail(done.error().code, Named(*batch, done.error().message)));
      }
      if (error_) stop_.request_stop();
    }
  }

  const internal::Batch* Next() {
    const std::scoped_lock lock(mutex_);
    if (error_ || next_ >= work_.batches.size()) return nullptr;
    if (stop_.stop_requested()) {
      KeepError(Fail(Code::kUnavailable, "stopped before the end"));
      return nullptr;
    }
    return &work_.batches[next_++];
  }

  [[nodiscard]] std::string Named(const internal::Batch& batch, std::string_view message) const {
    const std::string first = NameOf(options_, work_.missing[batch.begin]);
    if (batch.end - batch.begin == 1) return fmt::format("{}: {}", first, message);
    return fmt::format("{} to {}: {}", first, NameOf(options_, work_.missing[batch.end - 1]),
                       message);
  }

  // Requires: mutex_ is held.
  void Deliver(const internal::Batch& batch, std::span<const float> rows, const CallNotes& notes) {
    for (std::size_t i = batch.begin; i < batch.end; ++i) {
      const std::size_t text = work_.missing[i];
      const std::span<const float> row = rows.subspan((i - batch.begin) * dim_, dim_);
      std::ranges::copy(row, Row(text).begin());
      for (EmbeddingCache* cache : options_.caches) KeepError(cache->Put(work_.keys[text], row));
      if (std::ranges::all_of(row, [](float value) { return value == 0; })) ++progress_.zero_rows;
      progress_.repeated += work_.equals[text] - 1;
      progress_.done += work_.equals[text];
    }
    progress_.embedded += batch.end - batch.begin;
    unsynced_ += batch.end - batch.begin;
    if (unsynced_ >= kRowsPerSync) {
      for (EmbeddingCache* cache : options_.caches) KeepError(cache->Sync());
      unsynced_ = 0;
    }
    ++progress_.calls;
    progress_.tokens += notes.tokens > 0 ? notes.tokens : batch.tokens;
    progress_.usd =
        static_cast<double>(progress_.tokens) / kMillion * provider_.info().usd_per_million_tokens;
    if (options_.progress) options_.progress(progress_);
  }

  Provider& provider_;
  std::span<const std::string_view> texts_;
  std::span<float> out_;
  std::size_t dim_;
  const EmbedOptions& options_;
  const Work& work_;
  std::mutex mutex_;  // guards all below, the rows and the caches' order
  EmbedProgress& progress_;
  std::optional<Error> error_;
  std::size_t next_ = 0;
  std::size_t unsynced_ = 0;
  std::stop_source stop_;  // asked for by the caller's token or by the first error
  std::stop_callback<std::function<void()>> forward_;
};

}  // namespace

Result<EmbedProgress> EmbedTexts(Provider& provider, std::span<const std::string_view> texts,
                                 std::span<float> out, const EmbedOptions& options) {
  const std::size_t dim = provider.info().dim;
  if (out.size() != texts.size() * dim) {
    return Fail(Code::kInvalidArgument, fmt::format("{} texts of {} dimensions into {} floats",
                                                    texts.size(), dim, out.size()));
  }
  EmbedProgress progress;
  ASSAY_ASSIGN(const Work work, PlanWork(provider.info(), texts, options, progress,
                                         [&](std::size_t i) { return out.subspan(i * dim, dim); }));
  ASSAY_TRY(Job(provider, texts, out, options, work, progress).Run());
  return progress;
}

Result<EmbedProgress> EstimateTexts(const ProviderInfo& info,
                                    std::span<const std::string_view> texts,
                                    const EmbedOptions& options) {
  std::vector<float> row(info.dim);
  EmbedProgress progress;
  ASSAY_ASSIGN(const Work work, PlanWork(info, texts, options, progress,
                                         [&](std::size_t) { return std::span<float>(row); }));
  progress.embedded = work.missing.size();
  progress.calls = work.batches.size();
  for (const std::size_t text : work.missing) progress.repeated += work.equals[text] - 1;
  for (const internal::Batch& batch : work.batches) progress.tokens += batch.tokens;
  progress.usd = static_cast<double>(progress.tokens) / kMillion * info.usd_per_million_tokens;
  return progress;
}

}  // namespace assay::embed
