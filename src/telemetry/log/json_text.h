// JSON strings and times as the log writes them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace assay::telemetry::internal {

// Appends `text` as a JSON string: control characters escaped, bytes that are no UTF-8 as U+FFFD,
// at most `limit` bytes of the text, and what follows `Bearer `, `sk-` or `ask_` and looks like a
// token as "[redacted]".
void AppendJsonString(std::string& out, std::string_view text, std::size_t limit);

// Whether AppendJsonString would append the text just as it is. May say no where it would.
[[nodiscard]] bool IsPlainText(std::string_view text);

// The length of the token that begins right after `text[at]`, where text[at] ends a prefix that
// tokens have; 0 when there is none.
[[nodiscard]] std::size_t TokenAfter(std::string_view text, std::size_t at);

// Whether a field of that name may hold a secret.
[[nodiscard]] bool IsSecretName(std::string_view key);

// "2026-11-21T16:01:37.123456Z".
void AppendTime(std::string& out, std::int64_t unix_ns);

}  // namespace assay::telemetry::internal
