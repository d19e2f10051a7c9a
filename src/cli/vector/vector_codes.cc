// assay vector codes --base B.npy --queries Q.npy --truth T.npy
#include <algorithm>
#include <array>
#include <functional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/parallel.h"
#include "assay/vector/codes.h"
#include "assay/vector/top_k.h"

#include "json_output.h"
#include "vector_commands.h"

namespace assay::cli {
namespace {

constexpr std::size_t kNearest = 10;
// How many of the best by their codes are compared exactly; 0: none.
constexpr std::array<std::size_t, 4> kCompared = {0, 20, 50, 100};
constexpr std::size_t kCandidates = kCompared.back();
constexpr std::size_t kQueriesAtOnce = 32;
constexpr std::uint64_t kSeed = 1;  // of the random rotation

struct Options {
  std::string base;
  std::string queries;
  std::string truth;
  bool json = false;
};

// The best rows by their codes of some queries, kCandidates each (or all): a hit's score is the
// estimate. Query by query.
using Candidates = std::function<Result<std::vector<vector::Hit>>(std::span<const float> queries)>;

struct Task {
  NpyVectors rows;
  NpyVectors queries;
  TrueRows truth;

  [[nodiscard]] std::size_t kept() const { return std::min(kCandidates, rows.rows); }
  [[nodiscard]] float Dot(std::size_t query, std::size_t row) const {
    const std::size_t dim = rows.dim;
    double sum = 0;
    for (std::size_t i = 0; i < dim; ++i) {
      sum += double{queries.values[query * dim + i]} * rows.values[row * dim + i];
    }
    return static_cast<float>(sum);
  }
};

using Found = std::array<std::size_t, kCompared.size()>;  // true neighbours, by kCompared

// Of one query, whose candidates come best first.
Found CountFound(const Task& task, std::size_t query, std::vector<vector::Hit> hits) {
  const auto better = [](const vector::Hit& a, const vector::Hit& b) { return a.score > b.score; };
  const auto wanted =
      std::span(task.truth.rows)
          .subspan(query * task.truth.columns, std::min(kNearest, task.truth.columns));
  Found found = {};
  const std::vector<vector::Hit> by_code = hits;
  for (vector::Hit& hit : hits) hit.score = task.Dot(query, hit.row);
  for (std::size_t c = 0; c < kCompared.size(); ++c) {
    std::vector<vector::Hit> best = kCompared[c] == 0 ? by_code : hits;
    if (kCompared[c] > 0) {
      best.resize(std::min(best.size(), kCompared[c]));
      std::ranges::sort(best, better);
    }
    best.resize(std::min(best.size(), kNearest));
    for (const vector::Hit& hit : best) {
      found[c] += std::ranges::find(wanted, std::int64_t{hit.row}) != wanted.end() ? 1U : 0U;
    }
  }
  return found;
}

Result<boost::json::object> Measure(const Task& task, std::string_view name, double bytes,
                                    const Candidates& candidates) {
  const std::size_t dim = task.rows.dim;
  std::vector<Found> found(task.queries.rows);
  ASSAY_TRY(core::ParallelTry(
      task.queries.rows, kQueriesAtOnce, [&](std::size_t begin, std::size_t end) -> Result<void> {
        ASSAY_ASSIGN(const std::vector<vector::Hit> hits,
                     candidates(task.queries.values.subspan(begin * dim, (end - begin) * dim)));
        for (std::size_t q = begin; q < end; ++q) {
          const auto first = hits.begin() + static_cast<std::ptrdiff_t>((q - begin) * task.kept());
          found[q] = CountFound(task, q, {first, first + static_cast<std::ptrdiff_t>(task.kept())});
        }
        return {};
      }));
  boost::json::object recall;
  for (std::size_t c = 0; c < kCompared.size(); ++c) {
    std::size_t sum = 0;
    for (const Found& one : found) sum += one[c];
    const std::size_t all = std::min(kNearest, task.truth.columns) * task.queries.rows;
    recall[std::to_string(kCompared[c])] = static_cast<double>(sum) / static_cast<double>(all);
  }
  return boost::json::object{
      {"code", name}, {"bytes_per_vector", bytes}, {"recall_at_10", std::move(recall)}};
}

Result<boost::json::object> MeasureFloat16(const Task& task) {
  std::vector<float> rows(task.rows.values.size());
  core::ParallelFor(task.rows.rows, kQueriesAtOnce, [&](std::size_t begin, std::size_t end) {
    const std::size_t first = begin * task.rows.dim;
    const std::size_t count = (end - begin) * task.rows.dim;
    std::vector<std::uint16_t> halves(count);
    vector::ToFloat16(task.rows.values.subspan(first, count), halves);
    vector::FromFloat16(halves, std::span(rows).subspan(first, count));
  });
  return Measure(task, "float16", 2.0 * static_cast<double>(task.rows.dim), [&](auto queries) {
    return vector::TopKBatch(queries, task.rows.dim, rows, task.kept());
  });
}

Result<boost::json::object> MeasureInt8(const Task& task) {
  std::vector<std::int8_t> values(task.rows.values.size());
  std::vector<float> scales(task.rows.rows);
  ASSAY_TRY(vector::QuantizeRows(task.rows.values, task.rows.dim, values, scales));
  const double bytes = static_cast<double>(task.rows.dim + sizeof(float));
  return Measure(task, "int8", bytes, [&](auto queries) {
    return vector::TopKBatch(queries, task.rows.dim, vector::Int8Rows{values, scales}, task.kept());
  });
}

Result<boost::json::object> MeasureRabitq(const Task& task, std::size_t bits) {
  const std::size_t dim = task.rows.dim;
  ASSAY_ASSIGN(const vector::RabitqCodes codes,
               vector::RabitqCodes::Encode(task.rows.values, dim, bits, kSeed));
  const auto candidates = [&](std::span<const float> queries) -> Result<std::vector<vector::Hit>> {
    std::vector<vector::DotEstimate> estimates(task.rows.rows);
    std::vector<vector::Hit> hits(task.rows.rows);
    std::vector<vector::Hit> best;
    for (std::size_t q = 0; q < queries.size() / dim; ++q) {
      ASSAY_TRY(codes.Estimate(queries.subspan(q * dim, dim), estimates));
      for (std::uint32_t r = 0; r < hits.size(); ++r) hits[r] = {r, estimates[r].dot};
      const auto end = hits.begin() + static_cast<std::ptrdiff_t>(task.kept());
      std::ranges::partial_sort(hits, end, std::greater(), &vector::Hit::score);
      best.insert(best.end(), hits.begin(), end);
    }
    return best;
  };
  return Measure(task, fmt::format("{} bit{}", bits, bits == 1 ? "" : "s"),
                 static_cast<double>(codes.bytes_per_row()), candidates);
}

Result<Task> ReadTask(const Options& options) {
  ASSAY_ASSIGN(NpyVectors rows, ReadVectors(options.base));
  ASSAY_ASSIGN(NpyVectors queries, ReadVectors(options.queries));
  if (queries.dim != rows.dim || queries.rows == 0 || rows.rows == 0) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} queries of {} dimensions for {} rows of {}: at least one of each, "
                            "of the same dimensions, is needed",
                            queries.rows, queries.dim, rows.rows, rows.dim));
  }
  ASSAY_ASSIGN(TrueRows truth, ReadTruth(options.truth, queries, rows.rows, kNearest));
  return Task{std::move(rows), std::move(queries), std::move(truth)};
}

void Print(const boost::json::array& codes) {
  fmt::print("{:<9}{:>15}{:>11}{:>14}{:>14}{:>14}\n", "code", "bytes a vector", "recall@10",
             "20 compared", "50 compared", "100 compared");
  for (const boost::json::value& one : codes) {
    const auto& recall = one.at("recall_at_10").as_object();
    fmt::print("{:<9}{:>15.0f}{:>11.4f}{:>14.4f}{:>14.4f}{:>14.4f}\n",
               std::string_view(one.at("code").as_string()), one.at("bytes_per_vector").as_double(),
               recall.at("0").as_double(), recall.at("20").as_double(), recall.at("50").as_double(),
               recall.at("100").as_double());
  }
}

Result<int> Run(const Options& options) {
  ASSAY_ASSIGN(const Task task, ReadTask(options));
  ProgressBar progress("measuring codes");
  boost::json::array all;
  const auto add = [&](Result<boost::json::object> one) -> Result<void> {
    if (!one) return std::unexpected(std::move(one).error());
    all.push_back(*std::move(one));
    return {};
  };
  progress.Update("float16", 0, 4);
  ASSAY_TRY(add(MeasureFloat16(task)));
  progress.Update("int8", 1, 4);
  ASSAY_TRY(add(MeasureInt8(task)));
  progress.Update("4 bits", 2, 4);
  ASSAY_TRY(add(MeasureRabitq(task, 4)));
  progress.Update("1 bit", 3, 4);
  ASSAY_TRY(add(MeasureRabitq(task, 1)));
  if (options.json) {
    fmt::print("{}",
               PrettyJson({{"rows", task.rows.rows}, {"dim", task.rows.dim}, {"codes", all}}));
  } else {
    Print(all);
  }
  return kExitSuccess;
}

}  // namespace

void AddVectorCodes(CLI::App& group, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = group.add_subcommand(
      "codes",
      "Measure how many of the 10 nearest each lossy code finds, alone and with the best compared");
  command->add_option("--base", options->base, "Vectors (.npy)")->required();
  command->add_option("--queries", options->queries, "Vectors to look for (.npy)")->required();
  command->add_option("--truth", options->truth, "Row numbers of the nearest, best first (.npy)")
      ->required();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer("Examples:\n  assay vector codes --base b.npy --queries q.npy --truth t.npy");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli
