// assay/logs/template_miner.h: the templates that the lines of a log were written with.
// Room: logs (uses core, text).  Threads: a TemplateMiner belongs to one thread at a time; AddLines
// uses several by itself, and its answers do not depend on their number.
//
// Method: Drain (He, Zhu, Zheng and Lyu, ICWS 2017), a tree of fixed depth over the number of
// tokens and the first one, whose leaves hold groups of similar lines, with two changes. Values are
// told by their looks before that (docs/logs.md, "Values"), so that similarity counts words alone.
// And a place of a group where lines differ becomes <*> only once it has held more than a few
// different words: until then each of them is a template of its own, as "LEADING" and "FOLLOWING"
// should be.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"

namespace assay::logs {

struct MinerOptions {
  // Of the places where a line and a group do not both have a value: the least share of equal
  // words.
  double similarity = 0.5;
  // A place keeps so many different words apart, and so many in capitals (READY, SHUTTING_DOWN).
  std::uint32_t kept_words = 3;
  std::uint32_t kept_states = 16;
  // Of all groups. When there are more, the sixteenth part that was not seen for longest is
  // forgotten. A template of 15 words takes about 5 KB. [16, 1,000,000]
  std::uint32_t max_templates = 20'000;
  // Expressions (text::Pattern) whose matches are values, besides the built-in ones. A mask that
  // covers a part of a word leaves <*> in the word. They cost: each line is searched and copied.
  std::vector<std::string> masks = {};

  friend bool operator==(const MinerOptions&, const MinerOptions&) = default;
};

struct MinedTemplate {
  std::uint64_t id = 0;     // 1 for the first line's template, then in order of appearance
  std::uint64_t lines = 0;  // that have it
  std::string text;         // <*> stands for a value; white space between words is one space
};

// Ids: a line's id is given when it is added and never again to another template. When two
// templates turn out to be one, the lower id stays, and Resolve() of the higher is the lower.
class TemplateMiner {
 public:
  // Errors: kOutOfRange for options beyond their limits; those of text::PatternSet::Compile.
  [[nodiscard]] static Result<TemplateMiner> Create(const MinerOptions& options = {});
  TemplateMiner(TemplateMiner&&) noexcept;
  TemplateMiner& operator=(TemplateMiner&&) noexcept;
  ~TemplateMiner();

  // Learns from one line's content (without time, level and source: logs::LineParser) and returns
  // its template's id. Any bytes are a line; the empty one has the empty template.
  // Time: O(line) where a line of the same words was seen lately; else also O(group * tokens).
  std::uint64_t Add(std::string_view line);
  // The same for many lines. Values are told and words hashed in parallel, then one thread goes
  // through the hashes in the order of the lines: the ids are those of Add() line by line.
  // Requires: ids.size() == lines.size().
  void AddLines(std::span<const std::string_view> lines, std::span<std::uint64_t> ids);

  // The id under which the template `id` is known now.
  [[nodiscard]] std::uint64_t Resolve(std::uint64_t id) const;
  // kNotFound by nullopt: never given, or forgotten. `id` need not be resolved.
  [[nodiscard]] std::optional<MinedTemplate> Find(std::uint64_t id) const;
  // All of them, by id.
  [[nodiscard]] std::vector<MinedTemplate> Templates() const;
  // Those that were forgotten since the last call, by id; the last max_templates of them.
  [[nodiscard]] std::vector<MinedTemplate> TakeForgotten();

  [[nodiscard]] std::uint64_t lines() const;  // added so far
  [[nodiscard]] std::size_t template_count() const;
  [[nodiscard]] const MinerOptions& options() const;

  // What was learned, as bytes with a checksum: docs/formats/log-templates.md.
  [[nodiscard]] std::string Serialize() const;
  // `name` stands in errors. Errors: kDataLoss for damaged bytes, kFailedPrecondition for bytes of
  // another version or those that other options learned.
  [[nodiscard]] static Result<TemplateMiner> Restore(std::string_view bytes, std::string_view name,
                                                     const MinerOptions& options = {});

 private:
  struct Impl;
  explicit TemplateMiner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::logs
