// Which sanitizer watches this program, for tests that take smaller sizes under it: the thread
// sanitizer costs twenty times the time, and what it looks for shows with little data too.
#pragma once

namespace assay::testing {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kUnderThreadSanitizer = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool kUnderThreadSanitizer = true;
#else
inline constexpr bool kUnderThreadSanitizer = false;
#endif
#else
inline constexpr bool kUnderThreadSanitizer = false;
#endif

// A size: `fewer` under the thread sanitizer.
template <typename Number>
constexpr Number Sized(Number usual, Number fewer) {
  return kUnderThreadSanitizer ? fewer : usual;
}

}  // namespace assay::testing
