// Changes of a request's body on its way to an upstream.
// Threads: pure functions.
#pragma once
#include <string>
#include <string_view>

#include <boost/json/array.hpp>

#include "assay/core/result.h"
#include "assay/gateway/exchange.h"

namespace assay::gateway {

// The defaults change nothing.
struct RequestEdit {
  std::string model;
  std::string system;       // chats only
  double temperature = -1;  // negative: the client's
  std::string fields;       // a JSON object whose members replace those of the request; or empty

  [[nodiscard]] bool any() const {
    return !model.empty() || !system.empty() || temperature >= 0 || !fields.empty();
  }
};

// Puts it into the first message where that is a system prompt, since many models take one only.
void AddSystemPrompt(std::string_view system, boost::json::array& messages);

// The body with the edit made, with room for simdjson behind it. Errors: kInvalidArgument for a
// body or fields that are no JSON object, or messages that are no array.
[[nodiscard]] Result<std::string> EditRequest(std::string_view body, Endpoint endpoint,
                                              const RequestEdit& edit);

// Errors: kInvalidArgument for what is no JSON object, and for members that an edit may not touch:
// those that say what is asked, how it travels, and of whom.
[[nodiscard]] Result<void> CheckEditFields(std::string_view fields);

}  // namespace assay::gateway
