// What the three parsers share.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "assay/config/parse.h"

namespace assay::config {

// "file:line:column: message" with Code::kInvalidArgument.
[[nodiscard]] std::unexpected<Error> ParseError(std::string_view file, Location location,
                                                std::string_view message);

// Counts values and depth against ParseOptions while a parser builds its tree.
class Budget {
 public:
  explicit Budget(const ParseOptions& options) : options_(options) {}
  // Empty when one more value at `depth` fits; else what is wrong.
  [[nodiscard]] std::string_view Take(std::size_t depth, std::size_t values = 1);
  [[nodiscard]] const ParseOptions& options() const { return options_; }

 private:
  ParseOptions options_;
  std::size_t values_ = 0;
};

// Adds a member. Errors: a message when the key is there already and duplicates are not allowed.
[[nodiscard]] std::string AddMember(Value::Map& map, Member member, bool allow_duplicate_keys);

[[nodiscard]] Result<Document> ParseYaml(std::string_view text, std::string file,
                                         const ParseOptions& options);
[[nodiscard]] Result<Document> ParseToml(std::string_view text, std::string file,
                                         const ParseOptions& options);
[[nodiscard]] Result<Document> ParseJson(std::string_view text, std::string file,
                                         const ParseOptions& options);

}  // namespace assay::config
