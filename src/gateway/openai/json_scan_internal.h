// A quick look through JSON of the usual kind, for texts whose canonical form nobody needs.
// Method: one forward pass, strings eight bytes at a time. What is rare (escapes of surrogates or
// in names, exponents, numbers of many digits, deep nesting) makes it give up, and so does what is
// wrong: the caller then asks simdjson, which decides and says what is wrong. So it accepts nothing
// that simdjson refuses.
// Threads: a scan belongs to one thread.
#pragma once
#include <cstddef>
#include <string_view>

namespace assay::gateway {

// A member of the outermost object, as it stands in the text.
struct JsonMember {
  std::string_view name;   // without its quotes; has no escape
  std::string_view value;  // with its quotes, if it is a string
};

class JsonObjectScan {
 public:
  // The outermost object counts as nesting of 1, each object or array in it as one more. `text`
  // must outlive the scan.
  JsonObjectScan(std::string_view text, std::size_t max_nesting);

  // The next member, in the text's order; false behind the last one, or when it gives up. O(bytes).
  [[nodiscard]] bool Next(JsonMember& member);

  // Once Next was false: the text is one whole JSON object in UTF-8, and nothing else.
  [[nodiscard]] bool whole() const { return whole_; }

 private:
  const char* at_;
  const char* end_;
  std::string_view text_;
  std::size_t max_nesting_;
  bool first_ = true;
  bool whole_ = false;
  bool ascii_ = true;
};

// The text of a raw JSON string without escapes; empty where it is none.
[[nodiscard]] std::string_view PlainJsonString(std::string_view value);

}  // namespace assay::gateway
