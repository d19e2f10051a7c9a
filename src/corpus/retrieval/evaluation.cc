#include "assay/corpus/evaluation.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "assay/core/clock.h"

namespace assay::corpus {
namespace {

namespace dom = simdjson::dom;

constexpr std::uint64_t kMaxSetBytes = 1ull << 30;
constexpr std::size_t kRankDepth = 100;
constexpr std::size_t kQueryBatch = 256;

class SetBuilder {
 public:
  explicit SetBuilder(RetrievalSet& set) : set_(set) {}

  // A pair of claim and evidence; true where the line has these fields.
  bool AddPair(dom::element record) {
    std::string_view premise;
    std::string_view hypothesis;
    std::string_view label;
    if (record["premise"].get(premise) != simdjson::SUCCESS ||
        record["hypothesis"].get(hypothesis) != simdjson::SUCCESS ||
        record["label"].get(label) != simdjson::SUCCESS) {
      return false;
    }
    const std::uint32_t row = Sentence(premise);
    if (label == "supported" || label == "contradicted") Relevant(hypothesis, row);
    return true;
  }

  // A claim with its evidence document and the sets of sentences that support it.
  bool AddClaim(dom::element record) {
    std::string_view claim;
    dom::array evidence;
    dom::array supporting;
    if (record["claim"].get(claim) != simdjson::SUCCESS ||
        record["evidence"].get(evidence) != simdjson::SUCCESS ||
        record["supporting"].get(supporting) != simdjson::SUCCESS) {
      return false;
    }
    std::vector<std::uint32_t> rows;
    for (const dom::element sentence : evidence) {
      std::string_view text;
      rows.push_back(sentence.get(text) == simdjson::SUCCESS ? Sentence(text) : 0);
    }
    for (const dom::element indices : supporting) {
      dom::array list;
      if (indices.get(list) != simdjson::SUCCESS) return false;
      for (const dom::element index : list) {
        std::uint64_t i = 0;
        if (index.get(i) == simdjson::SUCCESS && i < rows.size()) Relevant(claim, rows[i]);
      }
    }
    return true;
  }

 private:
  std::uint32_t Sentence(std::string_view text) {
    const auto [at, is_new] = sentences_.try_emplace(
        std::string(text), static_cast<std::uint32_t>(set_.sentences.size()));
    if (is_new) set_.sentences.emplace_back(text);
    return at->second;
  }

  void Relevant(std::string_view query, std::uint32_t row) {
    const auto [at, is_new] = queries_.try_emplace(std::string(query), set_.queries.size());
    if (is_new) {
      set_.queries.emplace_back(query);
      set_.relevant.emplace_back();
    }
    std::vector<std::uint32_t>& rows = set_.relevant[at->second];
    if (std::ranges::find(rows, row) == rows.end()) rows.push_back(row);
  }

  RetrievalSet& set_;
  std::unordered_map<std::string, std::uint32_t> sentences_;
  std::unordered_map<std::string, std::size_t> queries_;
};

Result<RetrievalRow> Measure(const RetrievalSet& set, Retriever& retriever, SearchMode mode) {
  RetrievalRow row;
  row.mode = mode;
  const std::int64_t start = core::Clock::Real().monotonic_ns();
  std::vector<std::string_view> batch;
  for (std::size_t from = 0; from < set.queries.size(); from += kQueryBatch) {
    const std::size_t count = std::min(kQueryBatch, set.queries.size() - from);
    const auto queries = std::span(set.queries).subspan(from, count);
    batch.assign(queries.begin(), queries.end());
    ASSAY_ASSIGN(const auto lists, retriever.RetrieveBatch(batch, kRankDepth, mode));
    for (std::size_t q = 0; q < count; ++q) {
      const auto& relevant = set.relevant[from + q];
      const auto hit = std::ranges::find_if(lists[q], [&](const SearchHit& h) {
        return std::ranges::find(relevant, h.passage) != relevant.end();
      });
      if (hit == lists[q].end()) continue;
      const auto rank = static_cast<double>(hit - lists[q].begin() + 1);
      row.recall_at_1 += rank <= 1 ? 1 : 0;
      row.recall_at_5 += rank <= 5 ? 1 : 0;
      row.recall_at_10 += rank <= 10 ? 1 : 0;
      row.mean_reciprocal_rank += 1 / rank;
    }
  }
  row.seconds = static_cast<double>(core::Clock::Real().monotonic_ns() - start) * 1e-9;
  const auto total = static_cast<double>(set.queries.size());
  for (double* value :
       {&row.recall_at_1, &row.recall_at_5, &row.recall_at_10, &row.mean_reciprocal_rank}) {
    *value /= total;
  }
  return row;
}

}  // namespace

Result<RetrievalSet> LoadRetrievalSet(core::FileSystem& files, const std::string& path) {
  ASSAY_ASSIGN(const std::string bytes, files.ReadFile(path, kMaxSetBytes));
  RetrievalSet set;
  const std::size_t slash = path.rfind('/');
  set.name = slash == std::string::npos ? path : path.substr(slash + 1);
  SetBuilder builder(set);
  dom::parser parser;
  std::size_t line_number = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    const std::string_view line = std::string_view(bytes).substr(at, end - at);
    at = end + 1;
    ++line_number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    dom::element record;
    if (parser.parse(simdjson::padded_string(line)).get(record) != simdjson::SUCCESS ||
        !(builder.AddPair(record) || builder.AddClaim(record))) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{}:{}: needs an object with premise, hypothesis and label, or with "
                              "claim, evidence and supporting",
                              path, line_number));
    }
  }
  if (set.queries.empty()) {
    return Fail(Code::kInvalidArgument, fmt::format("{}: holds no claim with evidence", path));
  }
  return set;
}

Result<RetrievalReport> EvaluateRetrieval(const RetrievalSet& set,
                                          std::span<const embed::Encoder* const> encoders) {
  RetrievalReport report{.name = set.name,
                         .queries = static_cast<std::uint32_t>(set.queries.size()),
                         .sentences = static_cast<std::uint32_t>(set.sentences.size()),
                         .rows = {}};
  const std::vector<std::string_view> sentences(set.sentences.begin(), set.sentences.end());
  ASSAY_ASSIGN(const auto plain, Index::FromSentences(sentences));
  ASSAY_ASSIGN(Retriever keywords, Retriever::Create(plain, nullptr));
  ASSAY_ASSIGN(RetrievalRow row, Measure(set, keywords, SearchMode::kBm25));
  report.rows.push_back(row);
  for (const embed::Encoder* encoder : encoders) {
    ASSAY_ASSIGN(const auto index, Index::FromSentences(sentences, encoder));
    ASSAY_ASSIGN(Retriever retriever, Retriever::Create(index, encoder));
    for (const SearchMode mode : {SearchMode::kVector, SearchMode::kHybrid}) {
      ASSAY_ASSIGN(row, Measure(set, retriever, mode));
      row.encoder = encoder->name();
      report.rows.push_back(row);
    }
  }
  return report;
}

}  // namespace assay::corpus
