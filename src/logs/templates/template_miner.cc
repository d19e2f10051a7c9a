#include "assay/logs/template_miner.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include <fmt/format.h>

#include "assay/core/parallel.h"
#include "assay/text/pattern_set.h"

#include "templates/byte_masks.h"
#include "templates/line_scanner.h"
#include "templates/state_file.h"
#include "templates/template_tree.h"
#include "templates/token_hash.h"

namespace assay::logs {
namespace {

using templates::Mix;
using templates::Token;
using templates::TokenForm;
using templates::WordKind;

constexpr std::uint32_t kFewestTemplates = 16;
constexpr std::uint32_t kMostTemplates = 1'000'000;
constexpr std::uint32_t kMostKept = 1'000;
constexpr std::size_t kGrain = 512;  // lines that one thread hashes at a time, about 100 us

constexpr TokenForm FormOf(WordKind kind) {
  if (kind == WordKind::kWord) return TokenForm::kWord;
  return kind == WordKind::kEnd ? TokenForm::kEnd : TokenForm::kValue;
}

// Lines with equal tokens have equal hashes.
class HashSink {
 public:
  void Take(const templates::Punctuation& before, WordKind kind, std::string_view word) {
    const std::uint64_t text = kind == WordKind::kWord  ? templates::HashWord(word)
                               : kind == WordKind::kEnd ? templates::kEndHash
                                                        : templates::kValueHash;
    hash_ = Mix(hash_ ^ text ^ std::rotl(before.hash(), 32), templates::kMixB);
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_ = templates::kMixA;
};

class TokenSink {
 public:
  void Take(const templates::Punctuation& before, WordKind kind, std::string_view word) {
    tokens_.push_back(templates::MakeToken(before.text(), FormOf(kind), word));
  }
  [[nodiscard]] std::span<const Token> tokens() const { return tokens_; }

 private:
  std::vector<Token> tokens_;
};

// Which template the lines of a hash have: Drain's answer for the first of them. 4 ways, the oldest
// goes. Two kinds of lines out of a million share a hash with a probability of 3e-8.
class HashCache {
 public:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint32_t slot = 0;
    std::uint32_t generation = ~std::uint32_t{0};  // of no template
  };
  HashCache() : sets_(kFewestSets) {}

  [[nodiscard]] Entry* Find(std::uint64_t hash) {
    for (Entry& entry : SetOf(hash)) {
      if (entry.hash == hash) return &entry;
    }
    return nullptr;
  }
  void Put(const Entry& entry) {
    if (++used_ > 2 * sets_.size() && sets_.size() < kMostSets) Grow();
    Insert(entry);
  }

 private:
  static constexpr std::size_t kFewestSets = std::size_t{1} << 8;  // 16 KiB
  static constexpr std::size_t kMostSets = std::size_t{1} << 14;   // 1 MiB
  using Set = std::array<Entry, 4>;

  [[nodiscard]] Set& SetOf(std::uint64_t hash) { return sets_[hash & (sets_.size() - 1)]; }
  void Insert(const Entry& entry) {
    Set& set = SetOf(entry.hash);
    if (Entry* const old = Find(entry.hash)) {
      *old = entry;
      return;
    }
    std::ranges::copy_backward(set.begin(), set.end() - 1, set.end());
    set.front() = entry;
  }
  void Grow() {
    const std::vector<Set> old = std::exchange(sets_, std::vector<Set>(4 * sets_.size()));
    for (const Set& set : old) {
      for (auto entry = set.rbegin(); entry != set.rend(); ++entry) {  // the oldest first
        if (entry->generation != Entry{}.generation) Insert(*entry);
      }
    }
  }

  std::vector<Set> sets_;
  std::size_t used_ = 0;  // entries that were put
};

Result<void> Check(const MinerOptions& options) {
  if (!(options.similarity > 0 && options.similarity <= 1)) {
    return Fail(Code::kOutOfRange, fmt::format("similarity is {}; it must be above 0 and at most 1",
                                               options.similarity));
  }
  if (options.max_templates < kFewestTemplates || options.max_templates > kMostTemplates) {
    return Fail(Code::kOutOfRange,
                fmt::format("max_templates is {}; it must be {} to {}", options.max_templates,
                            kFewestTemplates, kMostTemplates));
  }
  if (options.kept_words > kMostKept || options.kept_states > kMostKept) {
    return Fail(Code::kOutOfRange,
                fmt::format("kept_words and kept_states must be at most {}", kMostKept));
  }
  return {};
}

}  // namespace

struct TemplateMiner::Impl {
  explicit Impl(MinerOptions given) : options(std::move(given)), tree(options) {}

  // What a thread needs to look at lines.
  struct Scratch {
    templates::ByteMasks masks;
    std::string masked;
    std::vector<text::PatternMatch> matches;
  };

  [[nodiscard]] std::string_view Masked(std::string_view line, Scratch& scratch) const;
  template <class Sink>
  void Scan(std::string_view line, Scratch& scratch, Sink& sink) const;
  [[nodiscard]] std::uint64_t HashOf(std::string_view line, Scratch& own) const;
  std::uint64_t AddHashed(std::string_view line, std::uint64_t hash);

  MinerOptions options;
  std::optional<text::PatternSet> patterns;
  templates::TemplateTree tree;
  HashCache cache;
  Scratch scratch;
  std::vector<std::uint64_t> hashes;
};

// `line` with one kMaskedByte in the place of each match; of matches that overlap the first counts.
std::string_view TemplateMiner::Impl::Masked(std::string_view line, Scratch& own) const {
  own.matches.clear();
  patterns->FindAll(line, own.matches);
  if (own.matches.empty()) return line;
  own.masked.clear();
  std::size_t done = 0;
  for (const text::PatternMatch& match : own.matches) {
    if (match.span.begin < done) continue;
    own.masked += line.substr(done, match.span.begin - done);
    own.masked += templates::kMaskedByte;
    done = match.span.end;
  }
  own.masked += line.substr(done);
  return own.masked;
}

template <class Sink>
void TemplateMiner::Impl::Scan(std::string_view line, Scratch& own, Sink& sink) const {
  if (patterns) line = Masked(line, own);
  templates::FindBytes(line, own.masks);
  templates::LineScanner<Sink>(line, own.masks, patterns.has_value(), sink).Scan(0, line.size());
}

std::uint64_t TemplateMiner::Impl::HashOf(std::string_view line, Scratch& own) const {
  HashSink sink;
  Scan(line, own, sink);
  return sink.hash();
}

std::uint64_t TemplateMiner::Impl::AddHashed(std::string_view line, std::uint64_t hash) {
  if (HashCache::Entry* const known = cache.Find(hash)) {
    if (const auto slot = tree.Count(known->slot, known->generation)) {
      known->slot = *slot;
      known->generation = tree.generation(*slot);
      return tree.id(*slot);
    }
  }
  TokenSink sink;
  Scan(line, scratch, sink);
  const std::uint32_t slot = tree.Assign(sink.tokens());
  const std::uint32_t generation = tree.generation(slot);
  (void)tree.Count(slot, generation);
  cache.Put({.hash = hash, .slot = slot, .generation = generation});
  return tree.id(slot);
}

TemplateMiner::TemplateMiner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TemplateMiner::TemplateMiner(TemplateMiner&&) noexcept = default;
TemplateMiner& TemplateMiner::operator=(TemplateMiner&&) noexcept = default;
TemplateMiner::~TemplateMiner() = default;

Result<TemplateMiner> TemplateMiner::Create(const MinerOptions& options) {
  ASSAY_TRY(Check(options));
  auto impl = std::make_unique<Impl>(options);
  if (!options.masks.empty()) {
    std::vector<text::Pattern> patterns;
    for (const std::string& mask : options.masks) {
      patterns.push_back({.text = mask, .kind = text::PatternKind::kRegex, .ignore_case = false});
    }
    ASSAY_ASSIGN(impl->patterns, text::PatternSet::Compile(patterns));
  }
  return TemplateMiner(std::move(impl));
}

std::uint64_t TemplateMiner::Add(std::string_view line) {
  return impl_->AddHashed(line, impl_->HashOf(line, impl_->scratch));
}

void TemplateMiner::AddLines(std::span<const std::string_view> lines,
                             std::span<std::uint64_t> ids) {
  Impl& impl = *impl_;
  impl.hashes.resize(lines.size());
  core::ParallelFor(lines.size(), kGrain, [&](std::size_t begin, std::size_t end) {
    Impl::Scratch own;
    for (std::size_t i = begin; i < end; ++i) impl.hashes[i] = impl.HashOf(lines[i], own);
  });
  for (std::size_t i = 0; i < lines.size(); ++i) ids[i] = impl.AddHashed(lines[i], impl.hashes[i]);
}

std::uint64_t TemplateMiner::Resolve(std::uint64_t id) const {
  return impl_->tree.Resolve(id);
}

std::optional<MinedTemplate> TemplateMiner::Find(std::uint64_t id) const {
  return impl_->tree.Find(id);
}

std::vector<MinedTemplate> TemplateMiner::Templates() const {
  return impl_->tree.Templates();
}

std::vector<MinedTemplate> TemplateMiner::TakeForgotten() {
  return impl_->tree.TakeForgotten();
}

std::uint64_t TemplateMiner::lines() const {
  return impl_->tree.lines();
}

std::size_t TemplateMiner::template_count() const {
  return impl_->tree.template_count();
}

const MinerOptions& TemplateMiner::options() const {
  return impl_->options;
}

std::string TemplateMiner::Serialize() const {
  std::string learned;
  impl_->tree.AppendTo(learned);
  return templates::SealState(impl_->options, learned);
}

Result<TemplateMiner> TemplateMiner::Restore(std::string_view bytes, std::string_view name,
                                             const MinerOptions& options) {
  ASSAY_ASSIGN(const std::string_view learned, templates::OpenState(bytes, name, options));
  ASSAY_ASSIGN(TemplateMiner miner, Create(options));
  auto tree = templates::TemplateTree::Read(learned, options);
  if (!tree) {
    return Fail(Code::kDataLoss,
                fmt::format("{}: the templates in it are damaged; remove it to learn anew", name));
  }
  miner.impl_->tree = *std::move(tree);
  return miner;
}

}  // namespace assay::logs
