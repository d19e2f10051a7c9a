// JSON as the program prints it: two spaces of indentation, one object, a final line feed.
#pragma once
#include <string>

#include <boost/json/value.hpp>

namespace assay::cli {

// Indented, keys in the order in which they were added.
[[nodiscard]] std::string PrettyJson(const boost::json::value& value);

// On one line, for JSON lines.
[[nodiscard]] std::string CompactJson(const boost::json::value& value);

}  // namespace assay::cli
