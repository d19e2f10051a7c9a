#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <time.h>

#include "assay/claims/evaluation.h"

#include "eval/judge_case_internal.h"

namespace assay::claims {
namespace {

using internal::EvalCase;
using internal::ScoredCase;

constexpr std::size_t kLinesPerChunk = 24;  // a few sources of RAGTruth
constexpr std::size_t kMaxThreads = 64;

// CPU time of the calling thread.
double ThreadCpuMs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

struct Chunk {
  std::size_t number = 0;
  std::vector<std::string_view> lines;
  std::vector<std::size_t> numbers;  // of the lines, 1-based
};

struct ChunkResult {
  std::vector<ScoredCase> cases;
  std::vector<std::string> parts;  // one a case
  std::string training_lines;
  std::uint64_t skipped = 0;
};

// Shared by the threads; everything but the constants under one mutex.
class Run {
 public:
  Run(std::string_view bytes, std::string path, EvalFormat format, const embed::Encoder* words,
      const EvalOptions& options, std::vector<internal::VerifierModel> folds)
      : rest_(bytes),
        path_(std::move(path)),
        format_(format),
        words_(words),
        options_(options),
        folds_(std::move(folds)) {}

  void Work() {
    internal::CaseJudge judge(words_, folds_, options_.entailments,
                              options_.dump_features != nullptr);
    while (std::optional<Chunk> chunk = Next()) {
      Result<ChunkResult> result = JudgeChunk(judge, *chunk);
      if (!Finish(chunk->number, std::move(result))) return;
    }
  }

  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] std::vector<ScoredCase>& cases() { return cases_; }
  [[nodiscard]] const std::vector<std::string>& parts() const { return parts_; }
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }
  [[nodiscard]] std::uint64_t done() {
    const std::lock_guard lock(mutex_);
    return cases_.size();
  }

 private:
  std::optional<Chunk> Next() {
    const std::lock_guard lock(mutex_);
    if (error_) return std::nullopt;
    Chunk chunk;
    chunk.number = chunks_;
    while (chunk.lines.size() < kLinesPerChunk && !rest_.empty() &&
           (options_.limit == 0 || records_ < options_.limit)) {
      const std::size_t end = std::min(rest_.find('\n'), rest_.size());
      const std::string_view line = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++line_;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      chunk.lines.push_back(line);
      chunk.numbers.push_back(line_);
      ++records_;
    }
    if (chunk.lines.empty()) return std::nullopt;
    ++chunks_;
    return chunk;
  }

  Result<ChunkResult> JudgeChunk(internal::CaseJudge& judge, const Chunk& chunk) {
    ChunkResult result;
    for (std::size_t i = 0; i < chunk.lines.size(); ++i) {
      std::vector<EvalCase> cases;
      const Result<void> read = internal::ReadCases(chunk.lines[i], format_, cases);
      if (!read) {
        return Fail(read.error().code,
                    fmt::format("{}:{}: {}.", path_, chunk.numbers[i], read.error().message));
      }
      if (cases.empty()) ++result.skipped;
      for (const EvalCase& item : cases) {
        const double begin_ms = ThreadCpuMs();
        ASSAY_ASSIGN(ScoredCase scored, judge.Judge(item, result.training_lines));
        scored.cpu_ms = ThreadCpuMs() - begin_ms;
        result.cases.push_back(scored);
        result.parts.push_back(item.part);
      }
    }
    return result;
  }

  // Takes results in any order and appends them in the order of the file.
  bool Finish(std::size_t number, Result<ChunkResult> result) {
    const std::lock_guard lock(mutex_);
    if (!result) {
      if (!error_ || number < error_chunk_) {
        error_ = result.error();
        error_chunk_ = number;
      }
      return false;
    }
    waiting_.emplace(number, std::move(*result));
    for (auto it = waiting_.begin(); it != waiting_.end() && it->first == appended_;
         it = waiting_.erase(it)) {
      Append(std::move(it->second));
      ++appended_;
    }
    return true;
  }

  void Append(ChunkResult result) {
    skipped_ += result.skipped;
    for (std::size_t i = 0; i < result.cases.size(); ++i) {
      const auto it = std::ranges::find(parts_, result.parts[i]);
      result.cases[i].part = static_cast<std::uint32_t>(it - parts_.begin());
      if (it == parts_.end()) parts_.push_back(std::move(result.parts[i]));
      cases_.push_back(result.cases[i]);
    }
    std::string_view lines = result.training_lines;
    while (!lines.empty()) {
      const std::size_t end = lines.find('\n');
      options_.dump_features(lines.substr(0, end));
      lines.remove_prefix(end + 1);
    }
  }

  std::mutex mutex_;
  std::string_view rest_;
  std::size_t line_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t skipped_ = 0;
  std::size_t chunks_ = 0;
  std::size_t appended_ = 0;
  std::size_t error_chunk_ = 0;
  std::map<std::size_t, ChunkResult> waiting_;
  std::vector<ScoredCase> cases_;
  std::vector<std::string> parts_;
  std::optional<Error> error_;
  const std::string path_;
  const EvalFormat format_;
  const embed::Encoder* const words_;
  const EvalOptions& options_;
  const std::vector<internal::VerifierModel> folds_;
};

Result<std::vector<internal::VerifierModel>> ReadFolds(core::FileSystem& files,
                                                       const std::string& folder) {
  constexpr std::uint64_t kMaxModelBytes = 64ULL << 20;
  std::vector<internal::VerifierModel> folds;
  for (std::size_t fold = 0; fold < internal::kFolds; ++fold) {
    const std::string path = fmt::format("{}/fold{}.model", folder, fold);
    ASSAY_ASSIGN(const std::string text, files.ReadFile(path, kMaxModelBytes));
    Result<internal::VerifierModel> model = internal::ParseModel(text);
    if (!model) {
      return Fail(model.error().code, fmt::format("{}: {}", path, model.error().message));
    }
    folds.push_back(std::move(*model));
  }
  return folds;
}

void RunThreads(Run& run, const EvalOptions& options) {
  constexpr auto kProgressInterval = std::chrono::milliseconds(100);
  const std::size_t threads = std::clamp<std::size_t>(options.threads, 1, kMaxThreads);
  std::mutex mutex;
  std::condition_variable finished;
  std::size_t running = threads;
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      run.Work();
      const std::lock_guard lock(mutex);
      if (--running == 0) finished.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  while (!finished.wait_for(lock, kProgressInterval, [&running] { return running == 0; })) {
    if (options.progress) options.progress(run.done());
  }
}

void SetTimes(std::vector<ScoredCase>& cases, EvalReport& report) {
  double sum = 0;
  for (const ScoredCase& scored : cases) sum += scored.cpu_ms;
  report.mean_answer_ms = sum / static_cast<double>(cases.size());
  const auto p99 = cases.begin() + static_cast<std::ptrdiff_t>(cases.size() * 99 / 100);
  std::ranges::nth_element(cases, p99, {}, &ScoredCase::cpu_ms);
  report.p99_answer_ms = p99->cpu_ms;
}

}  // namespace

Result<EvalReport> EvaluateClaims(core::FileSystem& files, const std::string& path,
                                  const embed::Encoder* words, const EvalOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  ASSAY_ASSIGN(const std::unique_ptr<core::MappedFile> file, files.Map(path));
  const std::string_view bytes = file->bytes();
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return Fail(Code::kInvalidArgument, fmt::format("{}: holds no record.", path));
  }
  const std::string_view head = bytes.substr(first, bytes.find('\n', first) - first);
  const Result<EvalFormat> format = internal::DetectFormat(head);
  if (!format) {
    return Fail(format.error().code, fmt::format("{}:1: {}.", path, format.error().message));
  }
  if (const std::size_t n = options.entailments.size(); n > 1 && n != internal::kFolds) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} entailments; one or {} are wanted.", n, internal::kFolds));
  }
  EvalReport report;
  report.format = *format;
  report.cross_validated = !options.folds_folder.empty();
  std::vector<internal::VerifierModel> folds;
  if (report.cross_validated) {
    ASSAY_ASSIGN(folds, ReadFolds(files, options.folds_folder));
  }
  Run run(bytes, path, *format, words, options, std::move(folds));
  RunThreads(run, options);
  if (run.error()) return std::unexpected(*run.error());
  report.skipped = run.skipped();
  std::vector<ScoredCase>& cases = run.cases();
  if (cases.empty()) {
    return Fail(Code::kInvalidArgument, fmt::format("{}: no record has evidence.", path));
  }
  report.all = internal::MeasureQuality("all", cases);
  for (std::uint32_t part = 0; part < run.parts().size() && run.parts().size() > 1; ++part) {
    std::vector<ScoredCase> chosen;
    std::ranges::copy_if(cases, std::back_inserter(chosen),
                         [part](const ScoredCase& scored) { return scored.part == part; });
    report.parts.push_back(internal::MeasureQuality(run.parts()[part], chosen));
  }
  std::ranges::sort(report.parts, {}, &ClaimQuality::name);
  SetTimes(cases, report);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

}  // namespace assay::claims
