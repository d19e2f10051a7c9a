// assay/config/reader.h: typed reading of a configuration tree, with errors people can act on.
// Room: config (uses core).  Threads: one reader tree belongs to one thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/config/value.h"
#include "assay/core/result.h"

namespace assay::config {

// Reads the members of one map. Getters return the value, or the fallback when the key is absent;
// every problem (wrong kind, out of range, missing, unknown key) is noted, and Finish() reports all
// of them:
//
//   Reader root(document);
//   config.listen = root.String("listen", "127.0.0.1:9000");
//   config.threads = root.Integer("threads", 2, 1, 1024);
//   for (Reader& upstream : root.MapList("upstreams"))
//   urls.push_back(upstream.RequiredString("url")); ASSAY_TRY(root.Finish());
//
// The document must outlive its readers. A key that no getter asked for is unknown: Finish() names
// it and the nearest known key.
class Reader {
 public:
  explicit Reader(const Document& document);

  [[nodiscard]] bool Has(std::string_view key);
  [[nodiscard]] std::string String(std::string_view key, std::string_view fallback);
  [[nodiscard]] std::string RequiredString(std::string_view key);
  [[nodiscard]] bool Bool(std::string_view key, bool fallback);
  // [minimum, maximum] is inclusive.
  [[nodiscard]] std::int64_t Integer(
      std::string_view key, std::int64_t fallback,
      std::int64_t minimum = std::numeric_limits<std::int64_t>::min(),
      std::int64_t maximum = std::numeric_limits<std::int64_t>::max());
  // Integers are accepted where a number is wanted.
  [[nodiscard]] double Number(std::string_view key, double fallback,
                              double minimum = std::numeric_limits<double>::lowest(),
                              double maximum = std::numeric_limits<double>::max());
  // "250 ms", "30s", "5 min", "2 h", "7 d"; a bare number is refused, since nobody knows its unit.
  [[nodiscard]] std::int64_t DurationMs(std::string_view key, std::int64_t fallback_ms);
  // "512 MB" (10^6), "512 MiB" (2^20), "4096" (bytes).
  [[nodiscard]] std::int64_t SizeBytes(std::string_view key, std::int64_t fallback_bytes);
  // One of `names`; returns its index.
  [[nodiscard]] std::size_t Choice(std::string_view key, std::span<const std::string_view> names,
                                   std::size_t fallback);
  [[nodiscard]] std::vector<std::string> StringList(std::string_view key);
  // Nested maps; empty when the key is absent.
  [[nodiscard]] std::optional<Reader> Map(std::string_view key);
  [[nodiscard]] std::vector<Reader> MapList(std::string_view key);
  // The maps of a map of maps with their names, for sections such as `routes: {name: {...}}`.
  [[nodiscard]] std::vector<Reader> NamedMaps(std::string_view key);
  // The key under which NamedMaps found this reader.
  [[nodiscard]] const std::string& name() const { return name_; }

  // Notes a problem of the caller's own at `key` (or at this map when it is absent).
  void Problem(std::string_view key, std::string_view message);

  // Reports everything noted in this reader and all readers that came from it, one line each, as
  // "file:line:column: path: message" ("file: path: message" for values of line 0). Errors:
  // kInvalidArgument.
  [[nodiscard]] Result<void> Finish() const;

 private:
  struct Shared;
  Reader(std::shared_ptr<Shared> shared, const Value& value, std::string path, std::string name);
  const Value* Get(std::string_view key, bool required);
  void WrongKind(std::string_view key, const Value& value, std::string_view wanted);
  [[nodiscard]] std::string PathOf(std::string_view key) const;

  std::shared_ptr<Shared> shared_;
  std::size_t node_;  // index of this map's record in shared_
  const Value* value_;
  std::string path_;
  std::string name_;
};

// The candidate nearest to `word` (optimal string alignment distance, Damerau 1964,
// case-insensitive) when it is near enough to be a slip of the keyboard: distance at most 1 +
// length / 4. Empty otherwise.
[[nodiscard]] std::string_view DidYouMean(std::string_view word,
                                          std::span<const std::string_view> candidates);

}  // namespace assay::config
