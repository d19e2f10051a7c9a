// assay/config/parse.h: YAML 1.2, TOML 1.0 and JSON (RFC 8259) into one tree.
// Room: config (uses core, text).  Threads: pure functions.
// Parsers: libfyaml for YAML with a reader of its own for the common forms in front of it;
// simdjson's first stage for JSON; TOML is read by this room. docs/decisions/0009 says why.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "assay/config/value.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"

namespace assay::config {

enum class Syntax : std::uint8_t { kYaml, kToml, kJson };

struct ParseOptions {
  std::size_t max_depth = 64;  // lists and maps inside each other
  std::size_t max_values =
      1 << 20;  // of the whole tree, aliases expanded: stops YAML "billion laughs"
  bool allow_duplicate_keys =
      false;  // if true the last one wins (JSON and YAML; TOML always refuses)
};

// Parses one document. `file` only names the source in errors, which read
// "assay.yaml:12:5: what is wrong and what to do".
// YAML: exactly one document (none at all is null), scalars by the core schema of YAML 1.2, keys
// must be scalars, aliases are expanded. Integers outside int64 become floats in YAML and JSON,
// errors in TOML. Errors: kInvalidArgument for text that is malformed or over a limit.
[[nodiscard]] Result<Document> Parse(std::string_view text, std::string file, Syntax syntax,
                                     const ParseOptions& options = {});

// As Parse without a copy of the text, which must outlive the document.
[[nodiscard]] Result<Document> ParseBorrowed(std::string_view text, std::string file, Syntax syntax,
                                             const ParseOptions& options = {});

// Reads and parses a file; the syntax follows from its name (.yaml, .yml, .toml, .json).
// Errors: those of Parse and of FileSystem::ReadFile (limit 16 MiB); kInvalidArgument for another
// ending.
[[nodiscard]] Result<Document> Load(core::FileSystem& files, const std::string& path,
                                    const ParseOptions& options = {});

}  // namespace assay::config
