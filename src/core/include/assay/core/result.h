// assay/core/result.h: the one error type of Assay.
// Room: core.  Threads: plain values.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace assay::core {

// What went wrong, in the words of the gRPC status codes. The table below gives each code its name,
// HTTP status and process exit code; no other code is ever added without a row there.
enum class Code : std::uint8_t {
  kInvalidArgument,     // the caller's input is wrong, whatever the state of the system
  kOutOfRange,          // a value is past a limit
  kNotFound,            // a named thing does not exist
  kAlreadyExists,       // a thing that must be new is there already
  kPermissionDenied,    // the operating system or a policy refuses
  kUnauthenticated,     // no valid credentials
  kFailedPrecondition,  // the system is not in the state that the call needs
  kResourceExhausted,   // disk, memory, quota or queue is full
  kUnavailable,         // a service does not answer now; trying again may help
  kDeadlineExceeded,    // it took too long
  kDataLoss,            // stored bytes are damaged
  kInternal,            // a bug in Assay
};

struct CodeInfo {
  Code code;
  std::string_view name;  // as in gRPC, lower case with underscores
  int http_status;
  int exit_code;  // of the command line; 0 is success and 1 is `--fail-on`
};

inline constexpr std::array<CodeInfo, 12> kCodeTable = {{
    {Code::kInvalidArgument, "invalid_argument", 400, 2},
    {Code::kOutOfRange, "out_of_range", 400, 2},
    {Code::kNotFound, "not_found", 404, 3},
    {Code::kAlreadyExists, "already_exists", 409, 4},
    {Code::kPermissionDenied, "permission_denied", 403, 5},
    {Code::kUnauthenticated, "unauthenticated", 401, 5},
    {Code::kFailedPrecondition, "failed_precondition", 412, 6},
    {Code::kResourceExhausted, "resource_exhausted", 429, 7},
    {Code::kUnavailable, "unavailable", 503, 8},
    {Code::kDeadlineExceeded, "deadline_exceeded", 504, 8},
    {Code::kDataLoss, "data_loss", 500, 9},
    {Code::kInternal, "internal", 500, 70},
}};

[[nodiscard]] constexpr const CodeInfo& InfoOf(Code code) {
  return kCodeTable[static_cast<std::size_t>(code)];
}

// A code and one sentence that says what was wrong, where (file, line or field), and what to do.
struct Error {
  Code code = Code::kInternal;
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

// An error as a return value: `return Fail(Code::kNotFound, "...")`.
[[nodiscard]] inline std::unexpected<Error> Fail(Code code, std::string message) {
  return std::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace assay::core

namespace assay {
using core::Code;
using core::Error;
using core::Fail;
using core::Result;
}  // namespace assay

#define ASSAY_CONCAT_INNER(a, b) a##b
#define ASSAY_CONCAT(a, b) ASSAY_CONCAT_INNER(a, b)

// Evaluates a Result expression and returns its error from the enclosing function, if it has one.
#define ASSAY_TRY(expression)                                      \
  do {                                                             \
    if (auto assay_try_result = (expression); !assay_try_result) { \
      return std::unexpected(std::move(assay_try_result).error()); \
    }                                                              \
  } while (false)

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses
// `ASSAY_ASSIGN(auto file, OpenFile(path));` binds the value or returns the error.
#define ASSAY_ASSIGN(declaration, expression) \
  ASSAY_ASSIGN_INNER(ASSAY_CONCAT(assay_assign_, __LINE__), declaration, expression)
#define ASSAY_ASSIGN_INNER(temporary, declaration, expression)          \
  auto temporary = (expression);                                        \
  if (!temporary) return std::unexpected(std::move(temporary).error()); \
  declaration = std::move(*temporary)
// NOLINTEND(bugprone-macro-parentheses)
