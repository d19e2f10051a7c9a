#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/corpus/analysis.h"
#include "assay/corpus/bm25.h"

#include "bm25/hash_internal.h"

namespace assay::corpus {
namespace {

struct RawPosting {
  std::uint32_t term;
  std::uint32_t row;
  std::uint32_t frequency;
};

// What is known of a term while rows are added.
struct OpenTerm {
  std::uint32_t last_row;
  std::uint32_t last_posting;  // in the raw postings
};

// The tenth largest of `values`, or 0 where there are fewer.
std::uint32_t TenthLargest(std::span<const std::uint32_t> values) {
  if (values.size() < 10) return 0;
  std::array<std::uint32_t, 10> best{};  // best[0] is the least of the ten
  for (const std::uint32_t value : values) {
    if (value <= best[0]) continue;
    std::size_t i = 0;
    for (; i + 1 < best.size() && best[i + 1] < value; ++i) best[i] = best[i + 1];
    best[i] = value;
  }
  return best[0];
}

}  // namespace

struct Bm25Memory::State {
  Analyzer analyzer;
  std::vector<std::string_view> tokens;
  std::vector<std::uint32_t> slots = std::vector<std::uint32_t>(256);
  std::vector<Bm25Term> terms;
  std::vector<OpenTerm> open;
  std::string names;
  std::vector<RawPosting> raw;
  std::vector<std::uint32_t> lengths;  // tokens of each row
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> impacts;
  std::vector<Bm25Window> windows;

  std::uint32_t TermOf(std::string_view token) {
    const std::uint64_t hash = HashTerm(token);
    const std::size_t mask = slots.size() - 1;
    std::size_t slot = hash & mask;
    for (; slots[slot] != 0; slot = (slot + 1) & mask) {
      const Bm25Term& term = terms[slots[slot] - 1];
      if (term.name_hash == hash &&
          std::string_view(names).substr(term.name_begin, term.name_bytes) == token) {
        return slots[slot] - 1;
      }
    }
    const auto number = static_cast<std::uint32_t>(terms.size());
    slots[slot] = number + 1;
    terms.push_back({.name_begin = static_cast<std::uint32_t>(names.size()),
                     .name_bytes = static_cast<std::uint32_t>(token.size()),
                     .row_count = 0,
                     .max_impact = 0,
                     .tenth_impact = 0,
                     .window_begin = Bm25View::kNoWindows,
                     .posting_begin = 0,
                     .name_hash = hash});
    open.push_back({.last_row = 0xffffffffu, .last_posting = 0});
    names.append(token);
    if (terms.size() * 2 > slots.size()) Grow();
    return number;
  }

  void Grow() {
    std::vector<std::uint32_t> wider(slots.size() * 2);
    const std::size_t mask = wider.size() - 1;
    for (std::uint32_t number = 0; number < terms.size(); ++number) {
      std::size_t slot = terms[number].name_hash & mask;
      while (wider[slot] != 0) slot = (slot + 1) & mask;
      wider[slot] = number + 1;
    }
    slots.swap(wider);
  }

  // Sorts the raw postings by term; rows stay in order. Frequencies go into `impacts` for now.
  void GroupByTerm() {
    std::uint64_t begin = 0;
    for (Bm25Term& term : terms) {
      term.posting_begin = begin;
      begin += term.row_count;
    }
    rows.resize(raw.size());
    impacts.resize(raw.size());
    std::vector<std::uint64_t> next(terms.size());
    for (std::size_t t = 0; t < terms.size(); ++t) next[t] = terms[t].posting_begin;
    for (const RawPosting& posting : raw) {
      const std::uint64_t at = next[posting.term]++;
      rows[at] = posting.row;
      impacts[at] = posting.frequency;
    }
    raw = {};
  }

  void ComputeImpacts() {
    double total = 0;
    for (const std::uint32_t length : lengths) total += length;
    const double mean = lengths.empty() ? 1 : std::max(total / double(lengths.size()), 1.0);
    std::vector<double> norms(lengths.size());
    for (std::size_t row = 0; row < lengths.size(); ++row) {
      norms[row] = kBm25K1 * (1.0 - kBm25B + kBm25B * double(lengths[row]) / mean);
    }
    const auto count = static_cast<double>(lengths.size());
    for (Bm25Term& term : terms) {
      const double idf = std::log1p((count - term.row_count + 0.5) / (term.row_count + 0.5));
      const double scale = idf * (kBm25K1 + 1.0) / kBm25Unit;
      for (std::uint64_t i = term.posting_begin; i < term.posting_begin + term.row_count; ++i) {
        const double frequency = impacts[i];
        impacts[i] = static_cast<std::uint32_t>(
            std::max(1.0, std::round(scale * frequency / (frequency + norms[rows[i]]))));
        term.max_impact = std::max(term.max_impact, impacts[i]);
      }
      term.tenth_impact =
          TenthLargest(std::span(impacts).subspan(term.posting_begin, term.row_count));
    }
  }

  void MakeWindows() {
    const std::size_t per_term =
        (lengths.size() + Bm25View::kWindowRows - 1) / Bm25View::kWindowRows;
    if (per_term < 2) return;
    for (Bm25Term& term : terms) {
      if (term.row_count < Bm25View::kWindowedRows) continue;
      term.window_begin = static_cast<std::uint32_t>(windows.size());
      std::uint32_t offset = 0;
      for (std::size_t w = 0; w < per_term; ++w) {
        Bm25Window window{offset, 0};
        for (; offset < term.row_count; ++offset) {
          const std::uint64_t at = term.posting_begin + offset;
          if (rows[at] / Bm25View::kWindowRows != w) break;
          window.max_impact = std::max(window.max_impact, impacts[at]);
        }
        windows.push_back(window);
      }
    }
  }
};

Bm25Memory::Bm25Memory() : state_(std::make_unique<State>()) {}
Bm25Memory::~Bm25Memory() = default;
Bm25Memory::Bm25Memory(Bm25Memory&&) noexcept = default;
Bm25Memory& Bm25Memory::operator=(Bm25Memory&&) noexcept = default;

void Bm25Memory::AddText(std::string_view text) {
  state_->tokens.clear();
  state_->analyzer.Analyze(text, state_->tokens);
  AddTokens(state_->tokens);
}

void Bm25Memory::AddTokens(std::span<const std::string_view> tokens) {
  State& state = *state_;
  const auto row = static_cast<std::uint32_t>(state.lengths.size());
  for (const std::string_view token : tokens) {
    const std::uint32_t term = state.TermOf(token);
    OpenTerm& open = state.open[term];
    if (open.last_row == row) {
      ++state.raw[open.last_posting].frequency;
      continue;
    }
    open = {.last_row = row, .last_posting = static_cast<std::uint32_t>(state.raw.size())};
    state.raw.push_back({.term = term, .row = row, .frequency = 1});
    ++state.terms[term].row_count;
  }
  state.lengths.push_back(static_cast<std::uint32_t>(tokens.size()));
}

Bm25View Bm25Memory::Finish() {
  state_->GroupByTerm();
  state_->ComputeImpacts();
  state_->MakeWindows();
  return Bm25View{.slots = state_->slots,
                  .terms = state_->terms,
                  .names = state_->names,
                  .rows = state_->rows,
                  .impacts = state_->impacts,
                  .windows = state_->windows,
                  .row_count = static_cast<std::uint32_t>(state_->lengths.size())};
}

}  // namespace assay::corpus
