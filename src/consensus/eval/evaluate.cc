#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <numeric>

#include <fmt/format.h>

#include "assay/consensus/evaluation.h"

#include "eval/rows_internal.h"
#include "eval/tally_internal.h"
#include "merge/panel_internal.h"

namespace assay::consensus {
namespace {

using internal::Guess;
using internal::LabelledAnswer;
using internal::Row;
using internal::Tally;
using internal::Truth;

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30;
constexpr double kSubjectPrior = 20;  // rows of a subject that weigh as much as all other subjects

std::vector<ExpertAnswer> ViewsOf(const Row& row) {
  std::vector<ExpertAnswer> out;
  for (const LabelledAnswer& answer : row.answers) out.push_back({answer.expert, answer.text});
  return out;
}

double RightOf(const Row& row, std::uint32_t i) {
  return row.answers[i].truth == Truth::kRight ? 1 : 0;
}

// What all formats count.
struct Tallies {
  Tally accuracy, without_labels, majority, medoid, any;
  std::map<std::string, Tally> experts;
  std::vector<Guess> guesses;
};

// One format's way with a row; false where the row cannot count.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  [[nodiscard]] virtual Result<bool> Take(const Row& row, Tallies& out) = 0;
  virtual void Finish(EvalReport& /*report*/) {}
};

// What was learned before a row, with the labels of earlier rows or without.
struct Memory {
  ReliabilityLearner learner;
  Calibration calibration;
};

class AnswersEvaluator final : public Evaluator {
 public:
  static Result<std::unique_ptr<Evaluator>> Create(const MergeOptions& options,
                                                   const embed::Encoder* encoder) {
    const auto with = [&](Method method) {
      MergeOptions changed = options;
      changed.method =
          options.method == Method::kAuto || method != Method::kWeighted ? method : options.method;
      return Merger::Create(changed, encoder);
    };
    ASSAY_ASSIGN(Merger weighted, with(Method::kWeighted));
    ASSAY_ASSIGN(Merger majority, with(Method::kMajority));
    return std::unique_ptr<Evaluator>(
        new AnswersEvaluator(std::move(weighted), std::move(majority)));
  }

  Result<bool> Take(const Row& row, Tallies& out) override {
    const auto known = [](const LabelledAnswer& a) { return a.truth != Truth::kUnknown; };
    if (row.answers.size() < kMinAnswers || !std::ranges::all_of(row.answers, known)) return false;
    const std::vector<ExpertAnswer> views = ViewsOf(row);
    ASSAY_ASSIGN(const Outcome taught, weighted_.Merge(views, &taught_.learner.current()));
    ASSAY_ASSIGN(const Outcome heard, weighted_.Merge(views, &heard_.current()));
    ASSAY_ASSIGN(const Outcome plain, majority_.Merge(views));
    const double right = RightOf(row, taught.chosen);
    out.accuracy.Add(right);
    out.without_labels.Add(RightOf(row, heard.chosen));
    out.majority.Add(DrawnByLot(row, plain));
    out.medoid.Add(RightOf(row, plain.medoid));
    out.guesses.push_back({taught_.calibration.Calibrated(taught.confidence), right});
    double any = 0;
    for (std::uint32_t i = 0; i < row.answers.size(); ++i) {
      out.experts[row.answers[i].expert].Add(RightOf(row, i));
      any = std::max(any, RightOf(row, i));
    }
    out.any.Add(any);
    taught_.calibration.Observe(taught.confidence, right > 0);
    Teach(row, Merger::VotesOf(views, taught));
    heard_.Observe(Merger::VotesOf(views, heard));
    return true;
  }

 private:
  AnswersEvaluator(Merger weighted, Merger majority)
      : weighted_(std::move(weighted)), majority_(std::move(majority)) {}

  // The mean over all answers of the opinions that lead.
  static double DrawnByLot(const Row& row, const Outcome& outcome) {
    double sum = 0, count = 0;
    for (const Opinion& opinion : outcome.opinions) {
      if (opinion.weight < outcome.opinions.front().weight - 1e-9) break;
      for (const std::uint32_t i : opinion.answers) sum += RightOf(row, i);
      count += static_cast<double>(opinion.answers.size());
    }
    return sum / count;
  }

  // All right answers are one choice, whatever their words; wrong ones stay apart.
  void Teach(const Row& row, std::vector<Vote> votes) {
    std::uint32_t right = kNoVote;
    for (std::uint32_t i = 0; i < votes.size(); ++i) {
      if (row.answers[i].truth == Truth::kRight) {
        votes[i].choice = right = 0;
      } else {
        // An answer without a final is a wrong one here, of its own kind.
        votes[i].choice = votes[i].choice == kNoVote ? 1000 + i : votes[i].choice + 1;
      }
    }
    taught_.learner.Teach(votes, right);
  }

  Merger weighted_;
  Merger majority_;
  Memory taught_;
  ReliabilityLearner heard_;
};

// Without answers there is nothing to compare: the expert is chosen that was right most often in
// rows of the subject before, with all subjects as a prior.
class OutcomesEvaluator final : public Evaluator {
 public:
  Result<bool> Take(const Row& row, Tallies& out) override {
    if (row.answers.size() < kMinAnswers) return false;
    std::uint32_t best = 0;
    double most = -1;
    double mean = 0, any = 0;
    for (std::uint32_t i = 0; i < row.answers.size(); ++i) {
      const double value = Expected(row, i);
      if (value > most) {
        most = value;
        best = i;
      }
      mean += RightOf(row, i);
      any = std::max(any, RightOf(row, i));
      out.experts[row.answers[i].expert].Add(RightOf(row, i));
    }
    const double right = RightOf(row, best);
    mean /= static_cast<double>(row.answers.size());
    out.accuracy.Add(right);
    out.without_labels.Add(mean);  // nothing to learn from
    out.majority.Add(mean);
    out.medoid.Add(mean);
    out.any.Add(any);
    out.guesses.push_back({calibration_.Calibrated(most), right});
    calibration_.Observe(most, right > 0);
    for (std::uint32_t i = 0; i < row.answers.size(); ++i) {
      for (const std::string& key : {row.answers[i].expert, KeyOf(row, i)}) {
        counts_[key].right += RightOf(row, i);
        counts_[key].seen += 1;
      }
    }
    return true;
  }

 private:
  struct Count {
    double right = 0;
    double seen = 0;
  };

  static std::string KeyOf(const Row& row, std::uint32_t i) {
    return row.answers[i].expert + '\n' + row.subject;
  }

  double Expected(const Row& row, std::uint32_t i) {
    const Count& all = counts_[row.answers[i].expert];
    const Count& here = counts_[KeyOf(row, i)];
    const double prior = (all.right + 3) / (all.seen + 5);
    return (here.right + kSubjectPrior * prior) / (here.seen + kSubjectPrior);
  }

  std::map<std::string, Count> counts_;
  Calibration calibration_;
};

class ReferenceEvaluator final : public Evaluator {
 public:
  ReferenceEvaluator(Merger merger, const embed::Encoder& encoder)
      : merger_(std::move(merger)), encoder_(encoder) {}

  Result<bool> Take(const Row& row, Tallies& out) override {
    if (row.answers.size() < kMinAnswers) return false;
    const std::vector<ExpertAnswer> views = ViewsOf(row);
    ASSAY_ASSIGN(const Outcome outcome, merger_.Merge(views));
    std::vector<std::string_view> texts;
    for (const ExpertAnswer& view : views) texts.push_back(view.text);
    texts.push_back(outcome.answer);
    texts.push_back(row.reference);
    const std::size_t dim = encoder_.dim();
    std::vector<float> rows(texts.size() * dim);
    ASSAY_TRY(encoder_.Encode(texts, rows));
    const auto score = [&](std::size_t i) {
      const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(i * dim);
      const auto reference = rows.end() - static_cast<std::ptrdiff_t>(dim);
      return std::clamp(static_cast<double>(std::inner_product(reference, rows.end(), begin, 0.0F)),
                        0.0, 1.0);
    };
    double mean = 0, most = 0;
    for (std::size_t i = 0; i < views.size(); ++i) {
      mean += score(i);
      most = std::max(most, score(i));
      out.experts[row.answers[i].expert].Add(score(i));
    }
    const double got = score(views.size());
    out.accuracy.Add(got);
    out.without_labels.Add(got);  // learns nothing
    out.majority.Add(mean / static_cast<double>(views.size()));
    out.medoid.Add(score(outcome.medoid));
    out.any.Add(most);
    out.guesses.push_back({outcome.confidence, got});
    return true;
  }

 private:
  Merger merger_;
  const embed::Encoder& encoder_;
};

class ClaimsEvaluator final : public Evaluator {
 public:
  ClaimsEvaluator(const MergeOptions& options, const embed::Encoder* encoder)
      : options_(options), encoder_(encoder) {}

  Result<bool> Take(const Row& row, Tallies& out) override {
    Row speaking = row;
    std::erase_if(speaking.answers, [](const LabelledAnswer& a) { return a.claims.empty(); });
    if (speaking.answers.size() < kMinAnswers) return false;
    const std::vector<ExpertAnswer> views = ViewsOf(speaking);
    const internal::Panel panel = internal::SeatAnswers(views, nullptr);
    std::vector<std::vector<std::string>> texts(views.size());
    std::vector<bool> supported;
    for (std::size_t place = 0; place < views.size(); ++place) {
      for (const auto& claim : speaking.answers[panel.input[place]].claims) {
        texts[place].push_back(claim.text);
        supported.push_back(claim.supported);
      }
    }
    ASSAY_ASSIGN(const auto support,
                 internal::SupportOfClaims(panel, options_, encoder_, std::move(texts)));
    double kept = 0, kept_right = 0, all_right = 0;
    std::map<std::uint32_t, std::pair<double, double>> by_answer;
    for (std::size_t i = 0; i < support.size(); ++i) {
      const double right = supported[i] ? 1 : 0;
      all_right += right;
      by_answer[support[i].answer].first += right;
      by_answer[support[i].answer].second += 1;
      out.guesses.push_back(
          {support[i].accepted ? support[i].weight : support[i].weight / 2, right});
      if (!support[i].accepted) continue;
      kept += 1;
      kept_right += right;
    }
    const auto all = static_cast<double>(support.size());
    out.accuracy.Add(kept_right, kept);
    out.without_labels.Add(kept_right, kept);
    out.majority.Add(all_right, all);
    out.medoid.Add(all_right, all);
    out.any.Add(all_right > 0 ? 1 : 0);
    for (const auto& [place, sums] : by_answer) {
      Tally& expert = out.experts[std::string(panel.experts[place])];
      expert.PadTo(out.accuracy.rows() - 1);
      expert.Add(sums.first, sums.second);
    }
    kept_ += kept;
    all_ += all;
    return true;
  }

  void Finish(EvalReport& report) override { report.kept = all_ > 0 ? kept_ / all_ : 0; }

 private:
  MergeOptions options_;
  const embed::Encoder* encoder_;
  double kept_ = 0;
  double all_ = 0;
};

Result<std::unique_ptr<Evaluator>> EvaluatorOf(EvalFormat format, const MergeOptions& options,
                                               const embed::Encoder* encoder) {
  switch (format) {
    case EvalFormat::kAnswers:
      return AnswersEvaluator::Create(options, encoder);
    case EvalFormat::kOutcomes:
      return std::make_unique<OutcomesEvaluator>();
    case EvalFormat::kClaims:
      return std::make_unique<ClaimsEvaluator>(options, encoder);
    case EvalFormat::kReference:
      break;
  }
  if (encoder == nullptr) {
    return Fail(Code::kInvalidArgument,
                "a set with references needs an encoder to compare with them");
  }
  MergeOptions changed = options;
  if (changed.method == Method::kAuto) changed.method = Method::kMedoid;
  ASSAY_ASSIGN(Merger merger, Merger::Create(changed, encoder));
  return std::make_unique<ReferenceEvaluator>(std::move(merger), *encoder);
}

void Summarize(Tallies& tallies, EvalReport& report) {
  report.accuracy = tallies.accuracy.Share();
  report.without_labels = tallies.without_labels.Share();
  report.majority = tallies.majority.Share();
  report.medoid = tallies.medoid.Share();
  report.any = tallies.any.Share();
  const Tally* best = nullptr;
  for (auto& [name, tally] : tallies.experts) {
    tally.PadTo(tallies.accuracy.rows());
    report.experts.push_back({name, tally.Share()});
    if (best != nullptr && tally.ratio() <= best->ratio()) continue;
    best = &tally;
    report.best_expert = name;
    report.best_single = report.experts.back().accuracy;
  }
  if (best != nullptr) report.gain = tallies.accuracy.Minus(*best);
  internal::MeasureConfidence(tallies.guesses, report);
}

}  // namespace

std::string_view EvalFormatName(EvalFormat format) {
  constexpr std::array<std::string_view, 4> kNames = {"answers", "outcomes", "reference", "claims"};
  return kNames[static_cast<std::size_t>(format)];
}

Result<EvalReport> EvaluateConsensus(core::FileSystem& files, const std::string& path,
                                     const embed::Encoder* encoder, const EvalOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  ASSAY_ASSIGN(const std::string content, files.ReadFile(path, kMaxFileBytes));
  EvalReport report;
  Tallies tallies;
  std::unique_ptr<Evaluator> evaluator;
  std::string_view rest = content;
  for (std::uint64_t line = 1; !rest.empty(); ++line) {
    if (options.limit != 0 && report.n + report.skipped >= options.limit) break;
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto where = [&](const Error& error) {
      return Fail(error.code, fmt::format("{}:{}: {}", path, line, error.message));
    };
    const Result<Row> row = internal::ParseRow(text);
    if (!row) return where(row.error());
    if (evaluator == nullptr) {
      report.format = row->format;
      ASSAY_ASSIGN(evaluator, EvaluatorOf(row->format, options.merge, encoder));
    }
    const Result<bool> counted = evaluator->Take(*row, tallies);
    if (!counted) return where(counted.error());
    ++(*counted ? report.n : report.skipped);
    if (options.progress && line % 64 == 0) options.progress(line);
  }
  if (evaluator == nullptr)
    return Fail(Code::kInvalidArgument, fmt::format("{} holds no rows", path));
  Summarize(tallies, report);
  evaluator->Finish(report);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

}  // namespace assay::consensus
