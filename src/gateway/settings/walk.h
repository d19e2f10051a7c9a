// Walks over the table of keys, and the forms of values.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "table.h"

namespace assay::gateway::settings {

using Path = std::vector<std::string>;

// "cache.memory.size".
[[nodiscard]] std::string Dotted(const Path& path);
// "ASSAY_CACHE_MEMORY_SIZE": capitals, every other character than a letter or digit as '_'.
[[nodiscard]] std::string VariableName(const Path& path);

// Calls visit(leaf, path) for every leaf in the order of the table; of named maps, those that
// exist.
void ForEachLeaf(Key& key, const std::function<void(Key&, const Path&)>& visit);

// One line of the file that a leaf makes: secrets make `..._env` and `..._file`.
struct LeafValue {
  Path path;
  std::string value;  // as it would stand in YAML
};
[[nodiscard]] std::vector<LeafValue> ValuesOf(const Key& leaf, const Path& path);

// "512 MB", "1.5 GB" or plain bytes; "90 s", "250 ms": the largest unit that shows the value
// exactly.
[[nodiscard]] std::string FormatSize(std::int64_t bytes);
[[nodiscard]] std::string FormatDuration(std::int64_t ms);
// "from 100 ms to 1 h", in the key's unit.
[[nodiscard]] std::string RangeText(const Key& key);
// A JSON string, which is a YAML string as well.
[[nodiscard]] std::string Quoted(std::string_view text);
// "local" or "local/model".
[[nodiscard]] std::string ExpertText(const ExpertSettings& expert);
[[nodiscard]] ExpertSettings ParseExpert(std::string_view text);

// What several values say together. Fills in the default route and the files in the data folder,
// then calls report(path, message) for each problem.
void FinishAndCheck(Settings& settings,
                    const std::function<void(const Path&, const std::string&)>& report);

// The part of it that concerns experiments; their routes must be filled in.
void CheckExperiments(const Settings& settings,
                      const std::function<void(const Path&, const std::string&)>& report);

}  // namespace assay::gateway::settings
