#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "verify/model_internal.h"

namespace assay::claims::internal {
namespace {

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Woverlength-strings"
#endif
constexpr std::string_view kShippedModel =
#include "gen/verifier_model.inc"
    ;
#ifdef __clang__
#pragma clang diagnostic pop
#endif

constexpr std::size_t kMaxTrees = 2000;
constexpr std::size_t kMaxNodes = 4096;
constexpr std::size_t kMaxWeights = 4096;

// Words of the text, one after the other; every failure names the line.
class ModelReader {
 public:
  explicit ModelReader(std::string_view text) : text_(text) {}

  bool Done() {
    SkipSpace();
    return at_ >= text_.size();
  }

  std::string_view Word() {
    SkipSpace();
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] > ' ') ++at_;
    return text_.substr(begin, at_ - begin);
  }

  template <typename T>
  Result<T> Number() {
    const std::string_view word = Word();
    T value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) {
      return Damaged(fmt::format("'{}' is no number", word.substr(0, 40)));
    }
    return value;
  }

  template <typename T>
  Result<void> Numbers(std::size_t count, std::vector<T>& out) {
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      ASSAY_ASSIGN(const T value, Number<T>());
      out.push_back(value);
    }
    return {};
  }

  Result<std::size_t> Count(std::size_t limit) {
    ASSAY_ASSIGN(const std::size_t count, Number<std::size_t>());
    if (count > limit) return Damaged(fmt::format("{} is past the limit {}", count, limit));
    return count;
  }

  std::unexpected<Error> Damaged(std::string_view what) const {
    return Fail(Code::kDataLoss, fmt::format("The verifier model, line {}: {}.", line_, what));
  }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && text_[at_] <= ' ') {
      if (text_[at_] == '\n') ++line_;
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

bool IsSound(const Tree& tree, std::size_t features) {
  const auto nodes = static_cast<std::int32_t>(tree.feature.size());
  const auto leaves = static_cast<std::int32_t>(tree.leaf.size());
  for (std::int32_t i = 0; i < nodes; ++i) {
    const auto node = static_cast<std::size_t>(i);
    if (tree.feature[node] >= features) return false;
    for (const std::int32_t child : {tree.left[node], tree.right[node]}) {
      // Children stand behind their parent, so a walk always ends.
      if (child >= 0 ? child <= i || child >= nodes : ~child >= leaves) return false;
    }
  }
  return leaves > 0;
}

Result<Tree> ReadTree(ModelReader& reader) {
  Tree tree;
  ASSAY_ASSIGN(const std::size_t nodes, reader.Count(kMaxNodes));
  ASSAY_TRY(reader.Numbers(nodes, tree.feature));
  ASSAY_TRY(reader.Numbers(nodes, tree.threshold));
  ASSAY_TRY(reader.Numbers(nodes, tree.left));
  ASSAY_TRY(reader.Numbers(nodes, tree.right));
  ASSAY_TRY(reader.Numbers(nodes + 1, tree.leaf));
  if (!IsSound(tree, kFeatureCount)) return reader.Damaged("a tree refers outside of itself");
  return tree;
}

Result<TreeEnsemble> ReadEnsemble(ModelReader& reader) {
  TreeEnsemble ensemble;
  ASSAY_ASSIGN(const std::size_t trees, reader.Count(kMaxTrees));
  ASSAY_ASSIGN(ensemble.bias, reader.Number<float>());
  for (std::size_t i = 0; i < trees; ++i) {
    ASSAY_ASSIGN(Tree tree, ReadTree(reader));
    ensemble.trees.push_back(std::move(tree));
  }
  return ensemble;
}

Result<LinearModel> ReadLinear(ModelReader& reader) {
  LinearModel linear;
  ASSAY_ASSIGN(const std::size_t weights, reader.Count(kMaxWeights));
  ASSAY_ASSIGN(linear.bias, reader.Number<float>());
  ASSAY_TRY(reader.Numbers(weights, linear.weights));
  return linear;
}

Result<void> CheckFeatures(ModelReader& reader) {
  ASSAY_ASSIGN(const std::size_t count, reader.Count(kMaxWeights));
  if (count != kFeatureCount) {
    return reader.Damaged(
        fmt::format("it was trained on {} features, this program has {}", count, kFeatureCount));
  }
  for (const std::string_view name : kFeatureNames) {
    if (reader.Word() != name) return reader.Damaged(fmt::format("feature '{}' is absent", name));
  }
  return {};
}

Result<void> ReadSection(std::string_view section, ModelReader& reader, VerifierModel& model) {
  if (section == "features") return CheckFeatures(reader);
  if (section == "unsupported") {
    ASSAY_ASSIGN(model.unsupported, ReadEnsemble(reader));
  } else if (section == "contradicted") {
    ASSAY_ASSIGN(model.contradicted, ReadEnsemble(reader));
  } else if (section == "unsupported_linear") {
    ASSAY_ASSIGN(model.unsupported_linear, ReadLinear(reader));
  } else if (section == "swap") {
    ASSAY_ASSIGN(model.swap, ReadLinear(reader));
  } else if (section == "answer") {
    ASSAY_ASSIGN(model.answer, ReadLinear(reader));
  } else if (section == "answer_threshold") {
    ASSAY_ASSIGN(model.answer_threshold, reader.Number<float>());
  } else {
    return reader.Damaged(fmt::format("unknown section '{}'", section.substr(0, 40)));
  }
  return {};
}

}  // namespace

float Sigmoid(float log_odds) {
  return 1 / (1 + std::exp(-log_odds));
}

float TreeEnsemble::LogOdds(std::span<const float, kFeatureCount> features) const {
  float sum = bias;
  for (const Tree& tree : trees) {
    std::int32_t node = tree.feature.empty() ? ~0 : 0;
    while (node >= 0) {
      const auto i = static_cast<std::size_t>(node);
      node = features[tree.feature[i]] <= tree.threshold[i] ? tree.left[i] : tree.right[i];
    }
    sum += tree.leaf[static_cast<std::size_t>(~node)];
  }
  return sum;
}

float LinearModel::LogOdds(std::span<const float> values) const {
  float sum = bias;
  for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * values[i];
  return sum;
}

std::array<float, kAnswerFeatureCount> AnswerFeatures(std::vector<float> risks) {
  std::array<float, kAnswerFeatureCount> out{};
  if (risks.empty()) return out;
  const auto log_odds = [](float p) { return std::log((p + 1e-4F) / (1 - p + 1e-4F)); };
  std::ranges::sort(risks, std::greater());
  float sum = 0;
  float none = 1;
  std::array<float, 3> head{};
  for (std::size_t i = 0; i < risks.size(); ++i) {
    sum += risks[i];
    none *= 1 - risks[i];
    for (std::size_t k = i; k < head.size(); ++k) head[k] += risks[i];
  }
  const auto n = static_cast<float>(risks.size());
  out = {log_odds(head[0]),
         log_odds(head[1] / std::min(n, 2.0F)),
         log_odds(head[2] / std::min(n, 3.0F)),
         log_odds(sum / n),
         1 - none,
         sum,
         std::log1p(n),
         log_odds(risks.back())};
  return out;
}

Result<VerifierModel> ParseModel(std::string_view text) {
  ModelReader reader(text);
  if (reader.Word() != "assay-verifier" || reader.Word() != "1") {
    return reader.Damaged("it does not begin with 'assay-verifier 1'");
  }
  VerifierModel model;
  bool has_features = false;
  while (!reader.Done()) {
    const std::string_view section = reader.Word();
    has_features = has_features || section == "features";
    ASSAY_TRY(ReadSection(section, reader, model));
  }
  const bool complete = has_features && !model.unsupported.trees.empty() &&
                        !model.contradicted.trees.empty() &&
                        model.unsupported_linear.weights.size() == kFeatureCount &&
                        model.answer.weights.size() == kAnswerFeatureCount;
  if (!complete) return reader.Damaged("a section is missing");
  return model;
}

Result<const VerifierModel*> ShippedModel() {
  static const Result<VerifierModel> kModel = ParseModel(kShippedModel);
  if (!kModel) return std::unexpected(kModel.error());
  return &*kModel;
}

}  // namespace assay::claims::internal
