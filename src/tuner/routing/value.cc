// What policies are worth on outcomes.
#include <cmath>
#include <limits>

#include "assay/experiments/distributions.h"
#include "assay/tuner/routing.h"

#include "routing/estimate_internal.h"

namespace assay::tuner {

Estimate internal::FromValues(const std::vector<double>& values, double z) {
  const auto summary = experiments::Summarize(values);
  if (!summary || summary->n == 0) return {};
  const double mean = summary->mean_value();
  const double half =
      summary->n > 1 ? z * summary->deviation() / std::sqrt(static_cast<double>(summary->n)) : 0;
  return {mean, {mean - half, mean + half}};
}

namespace {

using internal::FromValues;

// sum(w * y) / sum(w), the error by the delta method.
Estimate SelfNormalised(const std::vector<double>& weights, const std::vector<double>& values,
                        double z) {
  double sum = 0;
  double weighted = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    weighted += weights[i] * values[i];
  }
  if (!(sum > 0)) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return {nan, {nan, nan}};
  }
  const double mean = weighted / sum;
  double squares = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double gap = weights[i] * (values[i] - mean);
    squares += gap * gap;
  }
  const double half = z * std::sqrt(squares) / sum;
  return {mean, {mean - half, mean + half}};
}

}  // namespace

ClassTable Tabulate(const Outcomes& outcomes, double prior_rows) {
  const std::size_t classes = outcomes.classes.size();
  const std::size_t models = outcomes.models.size();
  ClassTable out;
  out.share.assign(classes, 0);
  out.quality.assign(classes, std::vector<double>(models, 0));
  out.cost = out.quality;
  std::vector<std::vector<double>> weight = out.quality;
  std::vector<double> all_quality(models, 0);
  std::vector<double> all_cost(models, 0);
  std::vector<double> all_weight(models, 0);
  for (const Outcome& row : outcomes.rows) {
    const std::uint32_t c = row.question_class;
    out.share[c] += 1 / static_cast<double>(outcomes.rows.size());
    for (std::size_t m = 0; m < models; ++m) {
      if (std::isnan(row.quality[m])) continue;
      const double w = outcomes.logged ? 1 / row.propensity : 1;
      const double cost = std::isnan(row.cost[m]) ? 0 : row.cost[m];
      weight[c][m] += w;
      out.quality[c][m] += w * row.quality[m];
      out.cost[c][m] += w * cost;
      all_weight[m] += w;
      all_quality[m] += w * row.quality[m];
      all_cost[m] += w * cost;
    }
  }
  for (std::size_t m = 0; m < models; ++m) {
    const double mean_quality = all_weight[m] > 0 ? all_quality[m] / all_weight[m] : 0;
    const double mean_cost = all_weight[m] > 0 ? all_cost[m] / all_weight[m] : 0;
    for (std::size_t c = 0; c < classes; ++c) {
      const double rows = weight[c][m] + prior_rows;
      out.quality[c][m] =
          rows > 0 ? (out.quality[c][m] + prior_rows * mean_quality) / rows : mean_quality;
      out.cost[c][m] = weight[c][m] > 0 ? out.cost[c][m] / weight[c][m] : mean_cost;
    }
  }
  return out;
}

PolicyValue Evaluate(const Outcomes& outcomes, const Policy& policy, const ClassTable& table,
                     double confidence) {
  const double z = experiments::NormalQuantile(0.5 + 0.5 * confidence);
  PolicyValue out;
  out.n = outcomes.rows.size();
  std::vector<double> qualities;
  std::vector<double> costs;
  if (!outcomes.logged) {
    for (const Outcome& row : outcomes.rows) {
      const std::uint32_t model = policy[row.question_class];
      qualities.push_back(row.quality[model]);
      costs.push_back(row.cost[model]);
    }
    out.quality = FromValues(qualities, z);
    out.cost = FromValues(costs, z);
    out.effective_n = static_cast<double>(out.n);
    return out;
  }
  std::vector<double> weights;
  std::vector<double> inverse;
  std::vector<double> doubly;
  double sum = 0;
  double squares = 0;
  for (const Outcome& row : outcomes.rows) {
    const std::uint32_t wanted = policy[row.question_class];
    const double w = row.chosen == wanted ? 1 / row.propensity : 0;
    const double quality = row.quality[row.chosen];
    const double cost = row.cost[row.chosen];
    weights.push_back(w);
    qualities.push_back(quality);
    costs.push_back(std::isnan(cost) ? 0 : cost);
    inverse.push_back(w * quality);
    const auto& model = table.quality[row.question_class];
    doubly.push_back(model[wanted] + w * (quality - model[row.chosen]));
    sum += w;
    squares += w * w;
  }
  out.quality = FromValues(doubly, z);
  out.ips = FromValues(inverse, z);
  out.snips = SelfNormalised(weights, qualities, z);
  out.cost = SelfNormalised(weights, costs, z);
  out.effective_n = squares > 0 ? sum * sum / squares : 0;
  return out;
}

}  // namespace assay::tuner
