// Leaves filled from a map of the file or from one variable.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "assay/config/reader.h"
#include "assay/gateway/settings_load.h"

#include "walk.h"

namespace assay::gateway::settings {

struct Source {
  Origin origin = Origin::kDefault;
  std::string where;
};

// Where each value that is no default comes from; by the path of ValuesOf.
using Sources = std::map<Path, Source>;

// Takes the leaf's value out of `reader`, whose map is `map`; notes problems there.
void ReadLeaf(config::Reader& reader, const config::Value& map, Key& leaf);

// Reads the whole document into `root`. Errors: those of Reader::Finish.
[[nodiscard]] Result<void> ReadDocument(const config::Document& document, Key& root,
                                        Sources& sources);

// Applies all ASSAY_ variables; notes one problem a line, and a warning for each that means
// nothing.
void ReadVariables(const Environment& environment, Settings& settings, Sources& sources,
                   std::vector<std::string>& problems, std::vector<std::string>& warnings);

}  // namespace assay::gateway::settings
