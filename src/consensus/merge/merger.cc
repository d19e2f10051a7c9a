#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <tuple>

#include <fmt/format.h>

#include "assay/consensus/consensus.h"

#include "merge/agreement_internal.h"
#include "merge/panel_internal.h"

namespace assay::consensus {
namespace {

using internal::Panel;

constexpr std::array<std::string_view, 5> kMethodNames = {"auto", "majority", "weighted", "medoid",
                                                          "claims"};
constexpr double kLeastProbability = 1e-12;  // 0 is for abstentions
constexpr std::size_t kMaxQuoted = 200;      // bytes of an answer in a dissent

Result<void> CheckAnswers(std::span<const ExpertAnswer> answers) {
  if (answers.size() < kMinAnswers) {
    return Fail(Code::kInvalidArgument, fmt::format("a consensus needs at least {} answers, got {}",
                                                    kMinAnswers, answers.size()));
  }
  if (answers.size() > kMaxAnswers) {
    return Fail(Code::kOutOfRange,
                fmt::format("{} answers, at most {} can be merged", answers.size(), kMaxAnswers));
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const ExpertAnswer& answer = answers[i];
    const auto bad = [&](std::string_view what) {
      return Fail(Code::kInvalidArgument, fmt::format("answer {}: {}", i + 1, what));
    };
    if (answer.expert.empty()) return bad("the expert has no name");
    if (!(answer.weight > 0) || !std::isfinite(answer.weight))
      return bad("the weight is not above 0");
    if (!(answer.confidence <= 1)) return bad("the confidence is not in [0, 1]");
    if (answer.text.size() > kMaxAnswerBytes) {
      return Fail(Code::kOutOfRange, fmt::format("answer {} has {} bytes, at most {} are read",
                                                 i + 1, answer.text.size(), kMaxAnswerBytes));
    }
  }
  return {};
}

Result<void> Compare(Panel& panel, const MergeOptions& options, const embed::Encoder* encoder) {
  panel.kind = options.final_kind == FinalKind::kNone ? internal::KindOfFinals(panel.texts)
                                                      : options.final_kind;
  panel.finals.reserve(panel.size());
  for (const std::string_view text : panel.texts) {
    panel.finals.push_back(ExtractFinal(text, panel.kind));
  }
  ASSAY_ASSIGN(panel.agreement, internal::MeaningMatrix(panel.texts, encoder, options.parallel));
  internal::RefineByFinals(panel.finals, panel.agreement);
  return {};
}

bool Abstains(const Panel& panel, std::uint32_t i) {
  return panel.kind == FinalKind::kNone ? panel.texts[i].empty()
                                        : panel.finals[i].kind == FinalKind::kNone;
}

// Clusters of answers; where finals are compared, one without a final is no part of a group with.
Result<std::vector<Opinion>> FormOpinions(const Panel& panel, const MergeOptions& options) {
  const std::size_t n = panel.size();
  std::vector<double> agreement = panel.agreement;
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t j = 0; j < n; ++j) {
      if (Abstains(panel, i) != Abstains(panel, j)) agreement[i * n + j] = 0;
    }
  }
  ASSAY_ASSIGN(std::vector<Cluster> clusters,
               ClusterByAgreement(agreement, options.linkage, options.same_threshold));
  std::vector<Opinion> out;
  for (Cluster& cluster : clusters) {
    Opinion& opinion = out.emplace_back();
    opinion.medoid = internal::MedoidOf(panel, cluster.members);
    opinion.weight = panel.ShareOf(cluster.members);
    opinion.cohesion = cluster.cohesion;
    opinion.stability = cluster.stability;
    opinion.final = panel.finals[opinion.medoid];
    opinion.answers = std::move(cluster.members);
  }
  return out;
}

void WeighOpinions(const Panel& panel, const Reliabilities& known, std::vector<Opinion>& opinions) {
  std::vector<Vote> votes(panel.size());
  for (std::uint32_t c = 0; c < opinions.size(); ++c) {
    for (const std::uint32_t i : opinions[c].answers) {
      votes[i] = {panel.experts[i], Abstains(panel, i) ? kNoVote : c};
    }
  }
  const Posterior posterior = PosteriorOf(votes, known, panel.evidence);
  for (std::size_t c = 0; c < posterior.of_choice.size(); ++c) {
    const bool voted = !Abstains(panel, opinions[c].medoid);
    opinions[c].probability = voted ? std::max(posterior.of_choice[c], kLeastProbability) : 0;
  }
}

void SortOpinions(std::vector<Opinion>& opinions, Method method) {
  const bool by_weight = method == Method::kMajority;
  std::ranges::stable_sort(opinions, [&](const Opinion& a, const Opinion& b) {
    const auto key = [&](const Opinion& o) {
      const bool silent = o.probability == 0;  // abstentions never lead
      return by_weight ? std::tuple(silent ? 0.0 : o.weight, o.probability)
                       : std::tuple(o.probability, o.weight);
    };
    return key(a) > key(b);
  });
}

double MeanAgreement(const Panel& panel, std::uint32_t with) {
  double sum = 0;
  double weight = 0;
  for (std::uint32_t j = 0; j < panel.size(); ++j) {
    if (j == with) continue;
    sum += panel.weights[j] * panel.agreement[with * panel.size() + j];
    weight += panel.weights[j];
  }
  return sum / weight;
}

double MeanAgreement(const Panel& panel) {
  double sum = 0;
  double weight = 0;
  for (std::uint32_t i = 0; i < panel.size(); ++i) {
    for (std::uint32_t j = i + 1; j < panel.size(); ++j) {
      const double pair = panel.weights[i] * panel.weights[j];
      sum += pair * panel.agreement[i * panel.size() + j];
      weight += pair;
    }
  }
  return sum / weight;
}

// The first words of an answer, cut at a character.
std::string Quoted(std::string_view text) {
  if (text.size() <= kMaxQuoted) return std::string(text);
  std::size_t end = kMaxQuoted;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

std::string SaidBy(const Panel& panel, const Opinion& opinion) {
  const FinalAnswer& final = opinion.final;
  return final.kind == FinalKind::kNone ? Quoted(panel.texts[opinion.medoid]) : final.text;
}

// The opinions other than the one that was chosen.
void AddDissent(const Panel& panel, std::uint32_t chosen, Outcome& out) {
  const auto leading = std::ranges::find_if(out.opinions, [&](const Opinion& o) {
    return std::ranges::binary_search(o.answers, chosen);
  });
  for (const Opinion& opinion : out.opinions) {
    if (&opinion == &*leading) continue;
    Dissent dissent;
    dissent.answers = opinion.answers;
    dissent.weight = opinion.weight;
    const bool silent = Abstains(panel, opinion.medoid);
    dissent.text = silent ? "" : SaidBy(panel, opinion);
    const std::string count = internal::CountOf(panel, opinion.answers);
    if (silent) {
      dissent.reason = fmt::format("{} gave no answer that can be compared", count);
    } else if (opinion.final.kind != FinalKind::kNone && leading->final.kind != FinalKind::kNone) {
      dissent.against = leading->final.text;
      dissent.reason =
          fmt::format("{} said {}, not {}", count, opinion.final.text, leading->final.text);
    } else {
      dissent.reason = fmt::format("{} answered differently", count);
    }
    out.dissent.push_back(std::move(dissent));
  }
}

// Whose wording stands for an opinion: the most reliable expert's where reliabilities count, else
// the medoid's.
std::uint32_t SpokesmanOf(const Panel& panel, const Opinion& opinion, Method method) {
  std::uint32_t best = opinion.medoid;
  if (method != Method::kWeighted) return best;
  for (const std::uint32_t i : opinion.answers) {
    if (panel.accuracies[i] > panel.accuracies[best]) best = i;
  }
  return best;
}

Method Resolve(Method method, const Panel& panel) {
  if (method != Method::kAuto) return method;
  return panel.kind == FinalKind::kNone ? Method::kClaims : Method::kWeighted;
}

// From places of the panel to the caller's indices.
void Unseat(const Panel& panel, Outcome& out) {
  const std::size_t n = panel.size();
  const auto one = [&](std::uint32_t& i) { i = i == kNoAnswer ? i : panel.input[i]; };
  const auto all = [&](std::vector<std::uint32_t>& list) {
    for (std::uint32_t& i : list) one(i);
    std::ranges::sort(list);
  };
  one(out.chosen);
  one(out.medoid);
  out.agreement.resize(n * n);
  out.finals.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    out.finals[panel.input[i]] = panel.finals[i];
    for (std::size_t j = 0; j < n; ++j) {
      out.agreement[panel.input[i] * n + panel.input[j]] = panel.agreement[i * n + j];
    }
  }
  for (Opinion& opinion : out.opinions) {
    one(opinion.medoid);
    all(opinion.answers);
  }
  for (ClaimSupport& claim : out.claims) {
    one(claim.answer);
    all(claim.supporters);
    all(claim.opponents);
  }
  for (Dissent& dissent : out.dissent) all(dissent.answers);
  if (out.numeric) all(out.numeric->answers);
}

}  // namespace

namespace internal {

Panel SeatAnswers(std::span<const ExpertAnswer> answers, const Reliabilities* known) {
  const std::size_t n = answers.size();
  Panel panel;
  panel.input.resize(n);
  std::iota(panel.input.begin(), panel.input.end(), 0U);
  std::ranges::stable_sort(panel.input, {}, [&](std::uint32_t i) {
    const ExpertAnswer& a = answers[i];
    return std::tuple(a.expert, a.text, a.weight, a.confidence, a.latency_ms);
  });
  const Reliabilities equal;
  for (const std::uint32_t i : panel.input) {
    const ExpertAnswer& a = answers[i];
    panel.experts.push_back(a.expert);
    panel.texts.push_back(a.text);
    panel.weights.push_back(a.weight);
    panel.latencies.push_back(a.latency_ms);
    panel.accuracies.push_back((known == nullptr ? equal : *known).Of(a.expert));
    panel.total_weight += a.weight;
  }
  const double mean = panel.total_weight / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double confidence = answers[panel.input[i]].confidence;
    panel.evidence.push_back(panel.weights[i] / mean * (confidence < 0 ? 1 : 0.5 + confidence));
  }
  return panel;
}

double Panel::ShareOf(std::span<const std::uint32_t> places) const {
  double sum = 0;
  for (const std::uint32_t i : places) sum += weights[i];
  return sum / total_weight;
}

std::uint32_t MedoidOf(const Panel& panel, std::span<const std::uint32_t> among) {
  constexpr double kTie = 1e-9;
  std::uint32_t best = among.front();
  double most = -1;
  for (const std::uint32_t i : among) {
    double sum = 0;
    for (const std::uint32_t j : among) {
      if (j != i) sum += panel.weights[j] * panel.agreement[i * panel.size() + j];
    }
    const auto fast = [&](std::uint32_t x) {
      return panel.latencies[x] < 0 ? 0.0 : -panel.latencies[x];
    };
    const bool better = sum > most + kTie ||
                        (sum > most - kTie && std::tuple(panel.accuracies[i], fast(i)) >
                                                  std::tuple(panel.accuracies[best], fast(best)));
    if (!better) continue;
    most = std::max(most, sum);
    best = i;
  }
  return best;
}

std::string CountOf(const Panel& panel, std::span<const std::uint32_t> places) {
  return fmt::format("{} of {}", places.size(), panel.size());
}

std::optional<NumericConsensus> AggregateNumbers(const Panel& panel, double tolerance) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < panel.size(); ++i) {
    if (panel.finals[i].kind == FinalKind::kNumber) order.push_back(i);
  }
  if (order.size() < 2) return std::nullopt;
  const auto value = [&](std::uint32_t i) { return panel.finals[i].number; };
  std::ranges::stable_sort(order, {}, value);
  NumericConsensus best;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() &&
           value(order[end]) - value(order[end - 1]) <=
               tolerance * std::max(std::abs(value(order[end])), std::abs(value(order[end - 1])))) {
      ++end;
    }
    const std::span<const std::uint32_t> group(order.data() + begin, end - begin);
    const double weight = panel.ShareOf(group);
    if (weight > best.weight) {
      best.weight = weight;
      best.answers.assign(group.begin(), group.end());
    }
    begin = end;
  }
  // Weighted median: the mean of two where exactly half of the weight lies on each side.
  double below = 0;
  for (std::size_t i = 0; i < best.answers.size(); ++i) {
    below += 2 * panel.share(best.answers[i]);
    if (below < best.weight - 1e-12) continue;
    const bool tie = below < best.weight + 1e-12 && i + 1 < best.answers.size();
    best.value = value(best.answers[i]);
    if (tie) best.value += (value(best.answers[i + 1]) - best.value) / 2;
    break;
  }
  std::vector<double> off;
  for (const std::uint32_t i : order) off.push_back(std::abs(value(i) - best.value));
  std::ranges::sort(off);
  best.spread = (off[(off.size() - 1) / 2] + off[off.size() / 2]) / 2;
  std::ranges::sort(best.answers);
  return best;
}

}  // namespace internal

std::string_view MethodName(Method method) {
  return kMethodNames[static_cast<std::size_t>(method)];
}

std::optional<Method> MethodOf(std::string_view name) {
  const auto found = std::ranges::find(kMethodNames, name);
  if (found == kMethodNames.end()) return std::nullopt;
  return static_cast<Method>(found - kMethodNames.begin());
}

Result<Merger> Merger::Create(const MergeOptions& options, const embed::Encoder* encoder,
                              const claims::Entailment* entailment) {
  const auto share = [](double value) { return value > 0 && value <= 1; };
  if (!share(options.same_threshold) || !share(options.quorum) || !share(options.claim_threshold)) {
    return Fail(Code::kOutOfRange, "same_threshold, quorum and claim_threshold must lie in (0, 1]");
  }
  if (!(options.number_tolerance >= 0 && options.number_tolerance < 1)) {
    return Fail(Code::kOutOfRange, "number_tolerance must lie in [0, 1)");
  }
  return Merger(options, encoder, entailment);
}

Result<Outcome> Merger::Merge(std::span<const ExpertAnswer> answers, const Reliabilities* known,
                              const Calibration* calibration) const {
  ASSAY_TRY(CheckAnswers(answers));
  Panel panel = internal::SeatAnswers(answers, known);
  ASSAY_TRY(Compare(panel, options_, encoder_));
  Outcome out;
  out.method = Resolve(options_.method, panel);
  ASSAY_ASSIGN(out.opinions, FormOpinions(panel, options_));
  WeighOpinions(panel, known == nullptr ? Reliabilities{} : *known, out.opinions);
  SortOpinions(out.opinions, out.method);
  std::vector<std::uint32_t> everyone(panel.size());
  std::iota(everyone.begin(), everyone.end(), 0U);
  out.medoid = internal::MedoidOf(panel, everyone);
  out.agreement_mean = MeanAgreement(panel);
  out.numeric = internal::AggregateNumbers(panel, options_.number_tolerance);
  if (out.method == Method::kClaims) {
    ASSAY_TRY(internal::MergeClaims(panel, options_, encoder_, entailment_, out));
  }
  if (out.answer.empty()) {
    const bool by_medoid = out.method == Method::kMedoid || out.method == Method::kClaims;
    out.chosen = by_medoid ? out.medoid : SpokesmanOf(panel, out.opinions.front(), out.method);
    out.answer = panel.texts[out.chosen];
    out.confidence =
        by_medoid ? MeanAgreement(panel, out.medoid) : out.opinions.front().probability;
    AddDissent(panel, out.chosen, out);
  }
  std::ranges::stable_sort(out.dissent, std::ranges::greater(), &Dissent::weight);
  if (calibration != nullptr) out.confidence = calibration->Calibrated(out.confidence);
  Unseat(panel, out);
  return out;
}

std::vector<Vote> Merger::VotesOf(std::span<const ExpertAnswer> answers, const Outcome& outcome) {
  std::vector<Vote> out(answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) out[i].expert = answers[i].expert;
  for (std::uint32_t c = 0; c < outcome.opinions.size(); ++c) {
    if (outcome.opinions[c].probability == 0) continue;  // abstentions
    for (const std::uint32_t i : outcome.opinions[c].answers) out[i].choice = c;
  }
  return out;
}

}  // namespace assay::consensus
